-- Jobs that write files of rows.
create table exports (
  id uuid primary key,
  tenant_id text not null,
  owner text not null,
  spec jsonb not null,
  state text not null default 'pending'
    check (state in ('pending', 'running', 'succeeded', 'failed', 'deleted')),
  version bigint not null default 1 check (version >= 1),
  attempts integer not null default 0,
  -- Key of the file that is there, or being written; another for each attempt.
  file uuid,
  -- Who works on it.
  holder uuid,
  -- Until when nobody else takes up a job that runs, by the database's clock.
  held_until timestamptz,
  rows_total bigint,
  rows_written bigint not null default 0,
  size_bytes bigint,
  failure text not null default '',
  create_time timestamptz not null,
  expire_time timestamptz not null
);

-- Ids are UUIDv7, so their order is that of the jobs' making.
create index exports_newest_first on exports (tenant_id, id desc);
create index exports_unfinished on exports (id) where state in ('pending', 'running');

-- Pieces of files, where replicas have no directory in common.
create table export_pieces (
  file uuid not null,
  position integer not null check (position >= 0),
  content bytea not null,
  primary key (file, position)
);

-- Compressed already where it pays, and read whole: out of line, as it is.
alter table export_pieces alter column content set storage external;
