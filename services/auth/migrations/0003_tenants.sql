create table tenants (
  -- UUIDv7; `default` for the tenant that every deployment has.
  id text primary key,
  -- What people sign in with; never changes.
  name text not null constraint tenants_name_once unique check (name ~ '^[a-z][a-z0-9-]{0,62}$'),
  display_name text not null,
  open_registration boolean not null default false,
  active boolean not null default true,
  -- What all its accounts may use together; null for no limit.
  requests_per_hour integer check (requests_per_hour >= 1),
  concurrent_calls integer check (concurrent_calls >= 1),
  version bigint not null check (version >= 1),
  create_time timestamptz not null,
  update_time timestamptz not null
);

insert into tenants (id, name, display_name, version, create_time, update_time)
values ('default', 'default', 'Default', 1, now(), now());

-- What a tenant's roles permit where that is not what is shipped.
create table role_permissions (
  tenant_id text not null references tenants,
  role text not null,
  -- Null when what is shipped was restored; the version goes on.
  permissions text[],
  version bigint not null check (version >= 1),
  update_time timestamptz not null,
  primary key (tenant_id, role)
);

create index users_of_tenant on users (tenant_id, id);
