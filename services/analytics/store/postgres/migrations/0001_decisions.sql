-- Numbers by name, as two lists of the same length: beside jsonb they take less
-- room, and one number is read in two thirds of the time, all names in one third.
create type numbers_by_name as (names text[], numbers double precision[]);

-- Days, in UTC, are partitions, made when a decision of theirs is to be kept.
create table decisions (
  tenant_id text collate "C" not null,
  decision_id text collate "C" not null,
  request_id text collate "C" not null,
  time timestamptz not null,
  arrive_time timestamptz not null,
  agent_id text collate "C" not null,
  user_pseudonym text collate "C" not null,
  verdict text collate "C" not null,
  rule_ids text[] collate "C" not null,
  model_version text collate "C" not null,
  policy_digest text collate "C" not null,
  composer text collate "C" not null,
  cached boolean not null,
  processing_ms double precision,
  queue_ms double precision,
  total_ms double precision,
  awareness double precision,
  ethical_score double precision,
  creativity double precision,
  quality double precision,
  reflection_depth double precision,
  confidence double precision,
  rules_hit double precision,
  input_tokens double precision,
  output_tokens double precision,
  cost double precision,
  cpu_share double precision,
  memory_share double precision,
  gpu_share double precision,
  quantum_coherence double precision,
  stages numbers_by_name not null,
  frameworks numbers_by_name not null,
  primary key (tenant_id, time, decision_id)
) partition by range (time);

-- The order in which the decisions of all tenants are read.
create index decisions_in_order on decisions (time, decision_id, tenant_id);

create table labels (
  tenant_id text collate "C" not null,
  feedback_id text collate "C" not null,
  decision_id text collate "C" not null,
  version bigint not null,
  time timestamptz not null,
  labels text[] collate "C" not null,
  primary key (tenant_id, feedback_id)
);
create index labels_of_decision on labels (tenant_id, decision_id);
create index labels_oldest on labels (time);

-- What rollups tell apart. Whatever else decisions differ in is asked of themselves.
create table series (
  id bigint generated always as identity primary key,
  tenant_id text collate "C" not null,
  agent_id text collate "C" not null,
  verdict text collate "C" not null,
  model_version text collate "C" not null,
  policy_digest text collate "C" not null,
  composer text collate "C" not null,
  unique (tenant_id, agent_id, verdict, model_version, policy_digest, composer)
);

-- The decisions of a series in a minute that have a metric. `metric` is
-- 'decision' for all of them, or such as 'figure total_ms' and 'stage retrieve'.
create table rollup_minute (
  metric text collate "C" not null,
  time timestamptz not null,
  series bigint not null,
  n bigint not null,
  sum double precision not null,
  -- Sum of the squared distances from the mean.
  squares double precision not null,
  min double precision not null,
  max double precision not null,
  -- The histogram: bin · 2^32 + count, in any order, a bin perhaps several times.
  bins bigint[] not null,
  -- Elements of `bins` when each bin was last there once.
  packed integer not null,
  primary key (metric, time, series)
) partition by range (time);

-- Compressing histograms at every change would take half of an append's time.
alter table rollup_minute alter column bins set storage external;

-- Few rows, in which batches change the same ones again and again. By tenant and
-- verdict alone there are fewest, for questions that tell no agents apart.
create table rollup_hour (like rollup_minute including all) with (fillfactor = 70);
create table rollup_day (like rollup_minute including all) with (fillfactor = 70);
create table rollup_hour_by_agent (like rollup_minute including all) with (fillfactor = 70);
create table rollup_day_by_agent (like rollup_minute including all) with (fillfactor = 70);

-- The same histogram with every bin once.
create function packed_bins(bins bigint[]) returns bigint[]
language sql immutable strict parallel safe
return (
  select coalesce(array_agg((bin << 32) + n order by bin), '{}')
  from (
    select element >> 32 as bin, sum(element & 4294967295)::bigint as n
    from unnest(bins) as element group by 1
  ) as once
);
