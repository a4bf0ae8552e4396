create table outbox (
  id uuid primary key,
  tenant_id text not null,
  aggregate_type text not null,
  aggregate_id text not null,
  version bigint not null check (version >= 1),
  time timestamptz not null,
  actor text not null,
  causation_id text not null,
  trace_parent text not null,
  key_id text not null,
  payload_type text not null,
  payload bytea not null
) partition by range (id);

-- A month goes when all of its events have left; the column comes with 0002.
insert into partitioned_tables (name, data_class, once, unfinished)
values ('outbox', 'confidential', '{aggregate_type,aggregate_id,version}', 'published_at is null');
