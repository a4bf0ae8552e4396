-- What each tenant did in five minutes that are over, to compare the next ones with.
create table report_windows (
  tenant_id text not null,
  time timestamptz not null,
  decisions bigint not null,
  -- 95th percentile of the total time, in milliseconds; null without a decision.
  p95_ms double precision,
  -- Decisions by verdict.
  verdicts jsonb not null,
  primary key (tenant_id, time)
);

create index report_windows_by_time on report_windows (time);

create table anomalies (
  id uuid primary key,
  tenant_id text not null,
  kind text not null check (kind in ('rate', 'latency', 'verdicts')),
  verdict text not null,
  time timestamptz not null,
  -- Where the last five minutes of it begin.
  last_time timestamptz not null,
  value double precision not null,
  median double precision not null,
  score double precision not null,
  constraint anomalies_once unique (tenant_id, kind, verdict, time)
);

-- Ids are UUIDv7, so their order is that of finding.
create index anomalies_newest_first on anomalies (tenant_id, id desc);

-- Days, in UTC, that were compared with the day before.
create table drift_days (
  tenant_id text not null,
  day timestamptz not null,
  id uuid not null,
  drifted boolean not null,
  primary key (tenant_id, day)
);
