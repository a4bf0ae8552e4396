create table agents (
  tenant_id text not null,
  id uuid not null,
  owner text not null,
  name text not null,
  description text not null,
  agent_type text not null,
  configuration jsonb not null,
  knowledge jsonb not null,
  status text not null default 'inactive' check (status in ('inactive', 'active', 'suspended', 'archived')),
  version bigint not null default 1 check (version >= 1),
  create_time timestamptz not null,
  update_time timestamptz not null,
  primary key (tenant_id, id),
  constraint agents_name_once unique (tenant_id, owner, name)
);

-- Ids are UUIDv7, so their order is that of the agents' making.
create index agents_newest_first on agents (tenant_id, owner, id desc);
