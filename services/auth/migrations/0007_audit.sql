-- Who did what, when, from where and with which outcome. What is of no tenant
-- is of the platform, whose tenant is empty; what somebody does in another
-- tenant than its own is in both, under one id.
create table audit_events (
  -- Made where it happened; its time is the event's.
  id uuid not null,
  tenant_id text not null,
  kind text not null check (kind in ('', 'user', 'machine', 'workload')),
  subject text not null,
  acting_tenant_id text not null,
  home_tenant_id text not null,
  session_id text not null,
  api_key_id text not null,
  method text not null,
  audit_class text not null check (audit_class in ('', 'security', 'decision', 'change')),
  target text not null,
  address text not null,
  user_agent text not null,
  code text not null,
  reason text not null,
  request_id text not null,
  workload text not null,
  count integer not null check (count >= 1),
  primary key (id, tenant_id)
) partition by range (id);

create index audit_events_newest_first on audit_events (tenant_id, id desc);
create index audit_events_of_subject on audit_events (tenant_id, subject, id desc);
create index audit_events_of_target on audit_events (tenant_id, target, id desc);
create index audit_events_of_request on audit_events (tenant_id, request_id);

-- For whatever class, a month of the record is never dropped.
insert into partitioned_tables (name, data_class, unfinished)
values ('audit_events', 'confidential', 'true');

-- The record grows and never changes. The owner alone moves what strayed into
-- the default partition to its month.
create function refuse_change_of_audit() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' and tg_table_name = 'audit_events_default'
    and current_user = (select tableowner from pg_tables
      where schemaname = tg_table_schema and tablename = tg_table_name)
  then
    return old;
  end if;
  raise exception 'audit events are added and never change' using errcode = 'insufficient_privilege';
end $$;

create trigger audit_events_append_only before update or delete on audit_events
for each row execute function refuse_change_of_audit();

create trigger audit_events_never_emptied before truncate on audit_events
for each statement execute function refuse_change_of_audit();
