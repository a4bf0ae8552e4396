-- The last assessment of itself that the engine gave each principal.
create table self_assessments (
  tenant_id text not null,
  subject text not null,
  version bigint not null check (version >= 1),
  -- consciousness.engine.v1.SelfAssessment in protobuf's binary form.
  assessment bytea not null,
  update_time timestamptz not null,
  primary key (tenant_id, subject)
);
