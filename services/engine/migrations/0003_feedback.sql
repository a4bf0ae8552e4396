create table feedback (
  tenant_id text not null,
  id uuid not null,
  decision_id uuid not null,
  -- Subject of whoever said it.
  labeller text not null,
  -- Empty when the engine answered about itself.
  agent_id text not null,
  -- What the decision was, as decisions of past months may have been dropped.
  verdict text not null,
  shipped_confidence double precision check (shipped_confidence between 0 and 1),
  answer_label text check (answer_label in ('supported', 'unsupported')),
  verdict_label text check (verdict_label in ('right', 'too_strict', 'too_lenient')),
  version bigint not null check (version >= 1),
  update_time timestamptz not null,
  primary key (tenant_id, id),
  constraint feedback_once unique (tenant_id, decision_id, labeller),
  check (answer_label is not null or verdict_label is not null),
  check (answer_label is null or shipped_confidence is not null)
);

create index feedback_of_agent on feedback (tenant_id, agent_id, update_time desc);

create table recalibrations (
  tenant_id text not null,
  -- Empty for the engine itself.
  agent_id text not null,
  slope double precision not null check (slope > 0),
  "offset" double precision not null,
  update_time timestamptz not null,
  primary key (tenant_id, agent_id)
);
