-- What ends before it expires by itself. Gateways read it in the order of transactions, as
-- those commit in another order than that of the positions they draw.
create table revocations (
  position bigint generated always as identity primary key,
  xid xid8 not null default pg_current_xact_id(),
  kind text not null check (kind in ('SESSION', 'ACCOUNT', 'API_KEY', 'TENANT')),
  tenant_id text not null,
  -- Session, account or key; empty for a tenant.
  subject text not null,
  -- Of an account or of all those of a tenant: tokens of a lower one are refused.
  epoch integer not null default 0 check (epoch >= 0),
  create_time timestamptz not null,
  expire_time timestamptz not null
);

create index revocations_by_transaction on revocations (xid, position);
create index revocations_by_expiry on revocations (expire_time);

-- A key signs from its time to that of the next one, then stays published for the tokens it signed.
alter table signing_keys
  add column algorithm text not null default 'RS256' check (algorithm in ('RS256', 'ES256')),
  add column x text,
  add column y text,
  add column sign_time timestamptz,
  alter column modulus drop not null,
  alter column exponent drop not null,
  -- Dropped when it signs no more.
  alter column sealed_private_key drop not null;
update signing_keys set sign_time = create_time;
alter table signing_keys
  alter column sign_time set not null,
  add constraint signing_keys_complete check (
    case algorithm
      when 'RS256' then modulus is not null and exponent is not null
      else x is not null and y is not null
    end
  );

alter table sessions
  -- When the session last got tokens, and when the last access token of it expires.
  add column last_used_time timestamptz,
  add column access_expire_time timestamptz,
  add column network text not null default '',
  add column user_agent text not null default '';
