import { adminPassword } from "../../support/platform.js";
import { restClient } from "../../support/rest.js";

type Rest = ReturnType<typeof restClient>;

/** What a tenant has, by id; names are the same in each tenant. */
export interface Tenant {
  readonly name: string;
  /** As its administrator. */
  readonly rest: Rest;
  /** Access token of its administrator. */
  readonly token: string;
  readonly admin: string;
  readonly user: string;
  readonly agent: string;
  readonly decision: string;
  readonly invitation: string;
  readonly apiKey: string;
  readonly serviceAccount: string;
  readonly session: string;
  readonly export: string;
}

const password = "Correct-Horse-47-Battery";
const everything = {
  time_range: { start_time: "2020-01-01T00:00:00Z", end_time: "2100-01-01T00:00:00Z" },
  format: "EXPORT_FORMAT_CSV",
};
const knowledge = [{ title: "Returns", text: "Lamps can be returned within 30 days of delivery." }];

/** Makes a tenant with an administrator, a user, and one of everything that people make. */
export async function makeTenant(url: string, name: string): Promise<Tenant> {
  const root = await signedIn(url, { username: "admin", password: adminPassword });
  const made = { name, display_name: `Tenant ${name}`, active: true };
  await told(root.rest("POST", "/api/v1/tenants", made));
  const invite = invitation(["ROLE_ADMIN"]);
  const first = await told(root.rest("POST", "/api/v1/auth/invitations", invite, { "x-tenant": name }));
  const { user_id: admin } = await register(url, name, "ada", first.token);
  const { rest, token } = await signedIn(url, { username: "ada", password, tenant: name });
  const second = await told(rest("POST", "/api/v1/auth/invitations", invitation(["ROLE_USER"])));
  const { user_id: user } = await register(url, name, "bob", second.token);
  const account = { name: "export", permissions: ["PERMISSION_AGENT_READ"] };
  const things = {
    agent: await told(rest("POST", "/api/v1/agents", { name: "shop", agent_type: "sales", knowledge })),
    key: await told(rest("POST", "/api/v1/auth/api-keys", { name: "k", scopes: ["PERMISSION_AGENT_READ"] })),
    account: await told(rest("POST", "/api/v1/auth/service-accounts", account)),
    invitation: await told(rest("POST", "/api/v1/auth/invitations", invitation(["ROLE_USER"]))),
    sessions: await told(rest("GET", "/api/v1/auth/sessions")),
  };
  const agent: string = things.agent.id;
  await told(rest("PATCH", `/api/v1/agents/${agent}?update_mask=status`, { status: "AGENT_STATUS_ACTIVE" }));
  const share = { role: "AGENT_ROLE_VIEWER" };
  await told(rest("PUT", `/api/v1/agents/${agent}/shares/${user}`, share));
  const question = { input: "When can lamps be returned?", agent_id: agent };
  const decided = await told(rest("POST", "/api/v1/consciousness/process", question));
  const document = `rules:\n  - id: harm.fraud\n    severity: CRITICAL\n`;
  await told(rest("PUT", "/api/v1/policies", { document, note: noteOf(name) }));
  const exported = await told(rest("POST", "/api/v1/analytics/exports", { spec: everything }));
  return {
    name,
    rest,
    token,
    admin,
    user,
    agent,
    decision: decided.decision_id,
    invitation: things.invitation.invitation.id,
    apiKey: things.key.api_key.id,
    serviceAccount: things.account.service_account.id,
    session: things.sessions.sessions[0].id,
    export: exported.id,
  };
}

/** Everything that only its own people may know. */
export function secretsOf(tenant: Tenant): string[] {
  const { admin, user, agent, decision, invitation: invited, apiKey, serviceAccount, session } = tenant;
  const made = [agent, decision, invited, apiKey, serviceAccount, session, tenant.export];
  return [admin, user, ...made, noteOf(tenant.name)];
}

/** What its administrator reads of all that it has; sessions and audit aside, which reading itself changes. */
export async function stateOf({ rest, agent, user, decision }: Tenant): Promise<unknown[]> {
  const paths = [
    "/api/v1/agents",
    `/api/v1/agents/${agent}`,
    `/api/v1/agents/${agent}/shares`,
    "/api/v1/users",
    `/api/v1/users/${user}`,
    "/api/v1/roles",
    "/api/v1/auth/api-keys",
    "/api/v1/auth/service-accounts",
    "/api/v1/auth/invitations",
    "/api/v1/consciousness/decisions",
    `/api/v1/consciousness/decisions/${decision}`,
    `/api/v1/consciousness/calibration?agent_id=${agent}`,
    "/api/v1/policies",
    "/api/v1/policies/versions",
  ];
  const state: unknown[] = [];
  for (const path of paths) state.push([path, await told(rest("GET", path))]);
  return state;
}

/** How many sessions of the administrator go on. */
export async function sessionsOf({ rest }: Tenant): Promise<number> {
  return (await told(rest("GET", "/api/v1/auth/sessions"))).sessions.length;
}

function noteOf(name: string): string {
  return `for the eyes of ${name} alone`;
}

function invitation(roles: string[]) {
  return { roles, tier: "TIER_ENTERPRISE" };
}

function register(url: string, tenant: string, username: string, token: string) {
  const request = { tenant, username, password, invitation_token: token };
  return told(restClient(url)("POST", "/api/v1/auth/register", request));
}

async function signedIn(url: string, credentials: object): Promise<{ rest: Rest; token: string }> {
  const { tokens } = await told(restClient(url)("POST", "/api/v1/auth/login", credentials));
  return { rest: restClient(url, tokens.access_token), token: tokens.access_token };
}

async function told(answer: ReturnType<Rest>) {
  const { status, body } = await answer;
  if (status >= 300) throw new Error(`${status} ${JSON.stringify(body)}`);
  return body;
}
