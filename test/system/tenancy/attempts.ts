import type { Tenant } from "./tenant.js";

/** What the administrator of one tenant sends in order to reach into another. */
export type Attempt =
  /** Names what is the other's: has to be answered as if it did not exist. */
  | { readonly kind: "names"; readonly request: object }
  /** Names nothing of the other's: whatever it answers must not tell of the other. */
  | { readonly kind: "own"; readonly request: object }
  /** Needs a permission that no tenant's administrator has. */
  | { readonly kind: "denied"; readonly request: object };

const names = (request: object): Attempt => ({ kind: "names", request });
const own = (request: object = {}): Attempt => ({ kind: "own", request });
const denied = (request: object): Attempt => ({ kind: "denied", request });

/** Attempts on `other` by `self`, at least one for each method. */
export function attemptsOn(other: Tenant, self: Tenant): Readonly<Record<string, readonly Attempt[]>> {
  const rules = "rules:\n  - id: harm.fraud\n    severity: CRITICAL\n";
  const question = { input: "When can lamps be returned?", agent_id: other.agent };
  const everywhere = { all_tenants: true };
  const time_range = { start_time: "2020-01-01T00:00:00Z", end_time: "2100-01-01T00:00:00Z" };
  const counting = { time_range, aggregations: [{ function: "AGGREGATE_FUNCTION_COUNT" }] };
  const grouped = (...dimensions: string[]) => ({
    ...counting,
    group_by: dimensions.map((dimension) => ({ dimension: `DIMENSION_${dimension}` })),
  });
  const file = { time_range, format: "EXPORT_FORMAT_JSON_LINES" };
  const stolen = { id: other.agent, name: "stolen", agent_type: "sales" };
  return {
    "AccountsService/ChangePassword": [own({ old_password: "wrong", new_password: "Long-And-Rare-4711" })],
    "AccountsService/ConfirmSecondFactor": [own({ code: "000000" })],
    "AccountsService/CreateInvitation": [own({ roles: ["ROLE_USER"] })],
    "AccountsService/CreatePasswordReset": [names({ user_id: other.user })],
    "AccountsService/ListInvitations": [own()],
    "AccountsService/RemoveSecondFactor": [own({ password: "wrong", code: "000000" })],
    "AccountsService/RevokeInvitation": [names({ id: other.invitation })],
    "AccountsService/SetUpSecondFactor": [own({ password: "wrong" })],
    "AccountsService/UnlockAccount": [names({ user_id: other.user })],
    "AgentsService/CreateAgent": [own({ agent: { name: "shop", agent_type: "sales" } })],
    "AgentsService/DeleteAgent": [names({ id: other.agent })],
    "AgentsService/GetAgent": [names({ id: other.agent })],
    "AgentsService/ListAgentShares": [names({ id: other.agent })],
    "AgentsService/ListAgents": [own()],
    "AgentsService/ShareAgent": [
      names({ id: other.agent, subject: self.user, role: 1 }),
      names({ id: self.agent, subject: other.user, role: 1 }),
    ],
    "AgentsService/UnshareAgent": [names({ id: other.agent, subject: other.user })],
    "AgentsService/UpdateAgent": [names({ agent: stolen, update_mask: "name" })],
    "AnalyticsService/GetConsciousness": [own(), own({ agent_id: other.agent }), denied(everywhere)],
    "AnalyticsService/GetMetrics": [own(), denied(everywhere)],
    "AnalyticsService/GetPerformance": [own(), own({ agent_id: other.agent }), denied(everywhere)],
    "AnalyticsService/Query": [
      own(grouped("AGENT", "USER", "POLICY")),
      own({ ...grouped("RULE"), filter: { agent_ids: [other.agent] } }),
      own({ ...grouped("USER"), filter: { user_ids: [other.admin] } }),
      denied({ ...grouped("TENANT"), ...everywhere }),
    ],
    "AnalyticsService/WatchMetrics": [denied(everywhere)],
    "ApiKeysService/CreateApiKey": [own({ name: "k", scopes: ["PERMISSION_AGENT_READ"] })],
    "ApiKeysService/ListApiKeys": [own(), own({ user_id: other.admin })],
    "ApiKeysService/RevokeApiKey": [names({ id: other.apiKey })],
    "AuditService/ListAuditEvents": [own(), own({ subject: other.admin }), own({ target: other.agent })],
    "AuthService/GetProfile": [own()],
    "AuthService/Logout": [own()],
    "CalibrationService/GetCalibration": [names({ agent_id: other.agent }), own()],
    "CalibrationService/RecordFeedback": [names({ decision_id: other.decision, answer: 1 })],
    "ChatService/CreateChatCompletion": [names(chatWith(other.agent))],
    "ChatService/ListModels": [own()],
    "EngineService/AssessSelf": [own()],
    "EngineService/EvaluateEthics": [own({ text: "How do I reset my password?" })],
    "EngineService/GetDecision": [names({ id: other.decision })],
    "EngineService/GetState": [own()],
    "EngineService/ListDecisions": [own()],
    "EngineService/Process": [names(question)],
    "EngineService/ProcessStream": [names({ request: question })],
    "EngineService/Reflect": [names({ decision_id: other.decision })],
    "EngineService/ReplayDecision": [names({ id: other.decision })],
    "ExportsService/CreateExport": [own({ spec: file }), denied({ spec: { ...file, ...everywhere } })],
    "ExportsService/DeleteExport": [names({ id: other.export })],
    "ExportsService/Export": [own({ spec: file }), denied({ spec: { ...file, ...everywhere } })],
    "ExportsService/GetExport": [names({ id: other.export })],
    "ExportsService/ListExports": [own()],
    "PolicyService/GetPolicy": [own()],
    "PolicyService/GetPolicyVersion": [own({ version: 1 })],
    "PolicyService/ListPolicyVersions": [own()],
    "PolicyService/PutPolicy": [own({ document: rules })],
    "PolicyService/RollbackPolicy": [own({ version: 1 })],
    "ReportsService/GetCapacityReport": [own(), denied(everywhere)],
    "ReportsService/GetDriftReport": [own(), own({ agent_id: other.agent }), denied(everywhere)],
    "ReportsService/ListAnomalies": [own(), denied(everywhere)],
    "RolesService/ListRoles": [own()],
    "RolesService/ResetRole": [own({ role: "ROLE_USER" })],
    "RolesService/UpdateRole": [own({ role: "ROLE_USER", permissions: ["PERMISSION_AGENT_READ"] })],
    "ServiceAccountsService/CreateServiceAccount": [own({ service_account: { name: "export" } })],
    "ServiceAccountsService/DeleteServiceAccount": [names({ id: other.serviceAccount })],
    "ServiceAccountsService/GetServiceAccount": [names({ id: other.serviceAccount })],
    "ServiceAccountsService/ListServiceAccounts": [own()],
    "ServiceAccountsService/RotateSecret": [names({ id: other.serviceAccount })],
    "ServiceAccountsService/UpdateServiceAccount": [
      names({
        service_account: { id: other.serviceAccount, description: "stolen" },
        update_mask: "description",
      }),
    ],
    "SessionsService/EndOtherSessions": [own()],
    "SessionsService/EndSession": [names({ session_id: other.session })],
    "SessionsService/ListSessions": [own()],
    "TenantsService/CreateTenant": [denied({ tenant: { name: "third" } })],
    "TenantsService/GetTenant": [denied({ id: other.name })],
    "TenantsService/ListTenants": [denied({})],
    "TenantsService/UpdateTenant": [
      denied({ tenant: { id: other.name, active: false }, update_mask: "active" }),
    ],
    "UsageService/GetAccountUsage": [names({ account_id: other.admin })],
    "UsageService/GetTenantUsage": [own()],
    "UsageService/GetUsage": [own()],
    "UsersService/EndUserSessions": [names({ id: other.user })],
    "UsersService/GetUser": [names({ id: other.user })],
    "UsersService/ListUsers": [own()],
    "UsersService/UpdateUser": [names({ user: { id: other.user, active: false }, update_mask: "active" })],
  };
}

/** A request in OpenAI's form, as the raw body that it is. */
function chatWith(model: string): object {
  const body = JSON.stringify({
    model,
    messages: [{ role: "user", content: "When can lamps be returned?" }],
  });
  return { content_type: "application/json", data: Buffer.from(body).toString("base64") };
}
