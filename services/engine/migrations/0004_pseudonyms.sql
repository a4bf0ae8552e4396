-- A key for each tenant, under which its pseudonyms are kept.
create table data_keys (
  tenant_id text primary key,
  -- 256 bits, sealed (AES-256-GCM) under the engine's key-encryption key.
  sealed_key bytea not null,
  create_time timestamptz not null
);

-- Values of personal data by the tokens that stand for them. Nothing here is in clear.
create table pseudonyms (
  tenant_id text not null,
  subject text not null,
  -- HMAC-SHA-256 of the caller's id of the conversation.
  conversation bytea not null,
  type text not null,
  number integer not null check (number >= 1),
  -- HMAC-SHA-256 of conversation, type and value.
  value_hash bytea not null,
  -- AES-256-GCM, bound to tenant, subject, conversation and token.
  sealed_value bytea not null,
  -- The same in all of a conversation, so that its numbers are never given twice.
  expire_time timestamptz not null,
  primary key (tenant_id, subject, conversation, type, number),
  constraint pseudonyms_once unique (tenant_id, subject, conversation, type, value_hash)
);

create index pseudonyms_to_prune on pseudonyms (expire_time);
