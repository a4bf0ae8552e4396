-- Each version of a tenant's or an agent's policy; none is changed or deleted.
create table policy_versions (
  tenant_id text not null,
  -- Empty for the tenant's own.
  agent_id text not null,
  version bigint not null check (version >= 1),
  id uuid not null,
  -- consciousness.policy.v1.Policy in YAML, as it was put.
  document text not null,
  digest text not null,
  author text not null,
  note text not null,
  -- Zero when the document was new.
  rolled_back_to bigint not null,
  create_time timestamptz not null,
  constraint policy_versions_once primary key (tenant_id, agent_id, version)
);

-- Ids are UUIDv7, so their order is that of the versions.
create index policy_versions_newest_first on policy_versions (tenant_id, agent_id, id desc);

-- Every policy that decided, whole, for replay.
create table effective_policies (
  tenant_id text not null,
  digest text not null,
  -- consciousness.policy.v1.GetPolicyResponse in protobuf's binary form.
  policy bytea not null,
  primary key (tenant_id, digest)
);
