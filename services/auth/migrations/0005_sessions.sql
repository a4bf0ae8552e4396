-- What ends before it expires by itself. Gateways read it in the order of transactions, as
-- those commit in another order than that of the positions they draw.
create table revocations (
  position bigint generated always as identity primary key,
  xid xid8 not null default pg_current_xact_id(),
  kind text not null check (kind in ('SESSION', 'ACCOUNT', 'API_KEY', 'TENANT', 'TENANT_SETTINGS')),
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
