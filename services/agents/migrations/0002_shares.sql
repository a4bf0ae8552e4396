-- Who besides its owner may use an agent, and how.
create table agent_shares (
  tenant_id text not null,
  agent_id uuid not null,
  subject text not null,
  role text not null check (role in ('viewer', 'editor')),
  shared_by text not null,
  create_time timestamptz not null,
  update_time timestamptz not null,
  primary key (tenant_id, agent_id, subject),
  foreign key (tenant_id, agent_id) references agents on delete cascade
);

create index agent_shares_of_subject on agent_shares (tenant_id, subject, agent_id);
