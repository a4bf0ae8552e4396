-- Failed sign-ins, by a keyed hash of the account that was asked for or of the address that asked.
create table sign_in_failures (
  key bytea primary key,
  failures integer not null check (failures >= 1),
  last_time timestamptz not null,
  retry_time timestamptz not null
);

create index sign_in_failures_by_time on sign_in_failures (last_time);

create table invitations (
  id uuid primary key,
  tenant_id text not null,
  -- SHA-256 of the token.
  token_hash bytea not null,
  email text,
  roles text[] not null,
  tier text not null,
  inviter_id text not null,
  version bigint not null check (version >= 1),
  create_time timestamptz not null,
  expire_time timestamptz not null,
  accept_time timestamptz,
  revoke_time timestamptz,
  constraint invitations_token_once unique (token_hash)
);

create index invitations_of_tenant on invitations (tenant_id, id);

-- One at most for each account: a newer one takes the place of the older.
create table password_resets (
  user_id uuid primary key references users on delete cascade,
  tenant_id text not null,
  -- SHA-256 of the token.
  token_hash bytea not null,
  create_time timestamptz not null,
  expire_time timestamptz not null,
  constraint password_resets_token_once unique (token_hash)
);

-- Addresses that accounts have given and not confirmed; several may wait for the same one.
create table email_confirmations (
  user_id uuid primary key references users on delete cascade,
  tenant_id text not null,
  email text not null,
  -- SHA-256 of the token.
  token_hash bytea not null,
  expire_time timestamptz not null,
  constraint email_confirmations_token_once unique (token_hash)
);

create table second_factors (
  user_id uuid primary key references users on delete cascade,
  tenant_id text not null,
  sealed_secret bytea not null,
  mode text not null,
  create_time timestamptz not null,
  -- Null until the account's owner has shown a code of it.
  confirm_time timestamptz,
  -- The latest time step of which a code was accepted.
  last_step bigint not null default 0
);

create table recovery_codes (
  user_id uuid not null references second_factors on delete cascade,
  -- SHA-256 of the code.
  hash bytea not null,
  primary key (user_id, hash)
);

-- Networks and programs that an account has signed in from, by a keyed hash.
create table familiar_clients (
  user_id uuid not null references second_factors on delete cascade,
  kind text not null check (kind in ('NETWORK', 'AGENT')),
  hash bytea not null,
  last_time timestamptz not null,
  primary key (user_id, kind, hash)
);
