-- Rises with each change of what the account may do; tokens of an older epoch are refused.
alter table users add column epoch integer not null default 0 check (epoch >= 0);
