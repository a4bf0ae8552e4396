create table api_keys (
  id uuid primary key,
  tenant_id text not null,
  user_id uuid not null references users on delete cascade,
  name text not null check (char_length(name) between 1 and 100),
  -- What its owner may see of the key, and what it is found by.
  prefix text not null constraint api_keys_prefix_once unique,
  -- SHA-256 of the key, which has 256 random bits.
  hash bytea not null,
  scopes text[] not null,
  version bigint not null check (version >= 1),
  create_time timestamptz not null,
  expire_time timestamptz not null,
  -- Of the last minute in which it was used.
  last_use_time timestamptz
);

create index api_keys_of_user on api_keys (tenant_id, user_id, id);

create table service_accounts (
  id uuid primary key,
  tenant_id text not null,
  name text not null check (char_length(name) between 1 and 100),
  description text not null,
  roles text[] not null,
  permissions text[] not null,
  tier text not null,
  -- Of the certificate with which it may come instead of a secret. One trust domain serves
  -- all tenants, so no two accounts of the deployment have the same.
  spiffe_id text constraint service_accounts_spiffe_id_once unique,
  -- SHA-256 of the secret, which has 256 random bits, and of the one before while both work.
  secret_hash bytea not null,
  former_secret_hash bytea,
  former_secret_expire_time timestamptz,
  epoch integer not null default 0 check (epoch >= 0),
  version bigint not null check (version >= 1),
  create_time timestamptz not null,
  update_time timestamptz not null,
  constraint service_accounts_name_once unique (tenant_id, name)
);

create index service_accounts_of_tenant on service_accounts (tenant_id, id);
