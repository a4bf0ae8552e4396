create table users (
  id uuid primary key,
  tenant_id text not null,
  username text not null check (char_length(username) between 1 and 50),
  email text,
  password_hash text not null,
  roles text[] not null,
  tier text not null,
  active boolean not null default true,
  version bigint not null check (version >= 1),
  create_time timestamptz not null,
  update_time timestamptz not null,
  last_login_time timestamptz,
  constraint users_username_once unique (tenant_id, username),
  constraint users_email_once unique (tenant_id, email)
);

create table sessions (
  id uuid primary key,
  tenant_id text not null,
  user_id uuid not null references users on delete cascade,
  version bigint not null check (version >= 1),
  create_time timestamptz not null,
  expire_time timestamptz not null,
  end_time timestamptz
);

create index sessions_of_user on sessions (user_id, expire_time);

create table refresh_tokens (
  hash bytea primary key,
  session_id uuid not null references sessions on delete cascade,
  expire_time timestamptz not null,
  used_time timestamptz
);

create index refresh_tokens_of_session on refresh_tokens (session_id, expire_time);

create table signing_keys (
  kid text primary key,
  modulus text not null,
  exponent text not null,
  sealed_private_key bytea not null,
  create_time timestamptz not null
);
