-- Counts up as rows are inserted, so an aggregate's later version has the later
-- position whatever the clocks of its writers say.
create sequence outbox_position;
alter table outbox add column position bigint not null default nextval('outbox_position');
-- When the bus answered for the event.
alter table outbox add column published_at timestamptz;
create index outbox_pending on outbox (position) where published_at is null;

-- Who does what only one may do at a time, and until when.
create table leases (
  name text primary key,
  holder uuid not null,
  expires_at timestamptz not null
);

-- Events that a consumer has applied.
create table inbox (
  consumer text not null,
  event_id uuid not null,
  handled_at timestamptz not null default now(),
  primary key (consumer, event_id)
);
create index inbox_oldest on inbox (handled_at);

-- Results of calls that carried an idempotency key.
create table idempotency_keys (
  tenant_id text not null,
  principal text not null,
  method text not null,
  key text not null,
  request_digest bytea not null,
  response bytea,
  create_time timestamptz not null,
  primary key (tenant_id, principal, method, key)
);
create index idempotency_keys_oldest on idempotency_keys (create_time);

-- Events that a consumer set aside, where the bus itself keeps nothing.
create table dead_letters (
  consumer text not null,
  event_id text not null,
  message_id text not null,
  subject text not null,
  headers jsonb not null,
  body bytea not null,
  error text not null,
  attempts integer not null,
  dead_at timestamptz not null,
  primary key (consumer, event_id)
);
