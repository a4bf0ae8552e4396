create table decisions (
  tenant_id text not null,
  id uuid not null,
  subject text not null,
  -- Null when the engine answered about itself.
  agent_id uuid,
  request_id text not null,
  verdict text not null check (verdict in ('allowed', 'modified', 'blocked', 'abstained', 'check_unavailable')),
  -- consciousness.engine.v1.Decision in protobuf's binary form: fields of a newer writer survive.
  decision bytea not null,
  create_time timestamptz not null,
  primary key (tenant_id, id)
) partition by range (id);

-- Ids are UUIDv7, so their order is that of the deciding.
create index decisions_newest_first on decisions (tenant_id, subject, id desc);

insert into partitioned_tables (name, data_class) values ('decisions', 'confidential');
