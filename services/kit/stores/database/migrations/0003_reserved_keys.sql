-- Who works on a call that has no result yet, and until when. Null where effect
-- and result are one transaction.
alter table idempotency_keys add column holder uuid;
alter table idempotency_keys add column held_until timestamptz;
