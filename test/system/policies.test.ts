import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { replay } from "../../services/cli/commands/replay.js";
import { startPlatform, type TestPlatform } from "../support/platform.js";
import { restClient } from "../support/rest.js";

let folder: string;
let file: string;
let platform: TestPlatform;
let admin: ReturnType<typeof restClient>;
let token: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "policy-"));
  file = join(folder, "policy.yaml");
  await writeFile(file, "rules: []");
  platform = await startPlatform({ environment: { POLICY_FILE: file } });
  token = await platform.signIn();
  admin = restClient(platform.url, token);
}, 60_000);
afterAll(async () => {
  await platform?.stop();
  await rm(folder, { recursive: true, force: true });
});

const question = "How is confidence computed?";
const document = `rules:
  - id: own.confidence
    scopes: [INPUT]
    condition: text.contains("confidence")
    severity: HIGH
    message: Not about confidence.
`;

const judged = async () => {
  const { status, body } = await admin("POST", "/api/v1/consciousness/process", { input: question });
  return {
    status,
    reason: body.reason,
    digest: body.ethical_evaluation?.policy_digest,
    id: body.decision_id,
  };
};

async function user(): Promise<ReturnType<typeof restClient>> {
  const anybody = restClient(platform.url);
  const { body: invitation } = await admin("POST", "/api/v1/auth/invitations", {});
  const account = { username: "ursula", password: "four little ducks went out" };
  await anybody("POST", "/api/v1/auth/register", { invitation_token: invitation.token, ...account });
  const { body } = await anybody("POST", "/api/v1/auth/login", account);
  return restClient(platform.url, body.tokens.access_token);
}

async function replayed(...more: string[]) {
  const told: string[] = [];
  const output = { write: (text: string) => told.push(text) };
  const environment = { CONSCIOUSNESS_URL: platform.url, CONSCIOUSNESS_TOKEN: token };
  const args = ["--since", "1h", ...more];
  const code = await replay({ args, environment, output, problems: output, now: Date.now() });
  return { code, lines: told.map((line) => JSON.parse(line)) };
}

describe("policies on a whole platform", () => {
  it("are put, judged by at once, rolled back and replayed", async () => {
    const before = await judged();
    const { body: shipped } = await admin("GET", "/api/v1/policies");
    expect(before).toMatchObject({ status: 200, digest: shipped.digest });

    await writeFile(join(folder, "tried.yaml"), document);
    expect(await replayed()).toMatchObject({ code: 0, lines: [{ summary: { decisions: 1, changed: 0 } }] });
    const tried = await replayed("--policy", join(folder, "tried.yaml"));
    expect(tried.code).toBe(3);
    expect(tried.lines).toMatchObject([
      { decision_id: before.id, before: "ALLOWED", after: "BLOCKED" },
      { summary: { decisions: 1, changed: 1, verdicts: { "ALLOWED → BLOCKED": 1 } } },
    ]);

    const put = await admin("PUT", "/api/v1/policies", { document, etag: shipped.etag, note: "A trial" });
    expect(put).toMatchObject({ status: 200, body: { version: 1, note: "A trial" } });
    expect(await judged()).toMatchObject({ status: 422, reason: "ETHICAL_VIOLATION" });

    await admin("PUT", "/api/v1/policies", { document: "rules: []" });
    const { digest } = await judged();
    expect(digest).toBe(before.digest);
    const back = await admin("POST", "/api/v1/policies/versions/1/rollback", {});
    expect(back).toMatchObject({ status: 200, body: { version: 3, rolled_back_to: 1 } });
    expect(await judged()).toMatchObject({ status: 422 });
    const { body } = await admin("GET", "/api/v1/policies/versions");
    expect(body.versions.map(({ version }: { version: number }) => version)).toEqual([3, 2, 1]);
    await admin("PUT", "/api/v1/policies", { document: "rules: []" });
  });

  it("that are edited on disk take effect without a restart, on the decisions that follow", async () => {
    const before = await judged();
    await writeFile(file, "rules: [{id: harm.fraud, state: SHADOW}]");
    await vi.waitFor(async () => expect((await judged()).digest).not.toBe(before.digest), {
      timeout: 15_000,
      interval: 100,
    });
    const path = `/api/v1/consciousness/decisions/${before.id}/replay`;
    const today = await admin("POST", path, {});
    expect(today.body.differences.map(({ field }: { field: string }) => field)).toEqual(["policy_digest"]);
    const then = await admin("POST", path, { policy_digest: before.digest });
    expect(then.body.differences ?? []).toEqual([]);
  });

  it.each([
    ["GET", "/api/v1/policies", undefined],
    ["PUT", "/api/v1/policies", { document: "rules: []" }],
    ["GET", "/api/v1/policies/versions", undefined],
    ["GET", "/api/v1/policies/versions/1", undefined],
    ["POST", "/api/v1/policies/versions/1/rollback", {}],
  ])("are nothing for whoever may not %s %s", async (method, path, body) => {
    const anonymous = await restClient(platform.url)(method, path, body);
    expect([anonymous.status, anonymous.body.reason]).toEqual([401, "CREDENTIALS_MISSING"]);
    ursula ??= user();
    const refused = await (await ursula)(method, path, body);
    expect([refused.status, refused.body.reason]).toEqual([403, "PERMISSION_MISSING"]);
    expect((await admin(method, path, body)).status).toBe(200);
  });

  it("refuse what is none with the line, and what is looser than it may be", async () => {
    const broken = await admin("PUT", "/api/v1/policies", {
      document: "rules:\n  - id: a.b\n    colour: red\n",
    });
    expect([broken.status, broken.body.reason]).toEqual([400, "POLICY_INVALID"]);
    expect(broken.body.detail).toContain("Line 3: rules[0] has no field colour");
    const loose = { document: "rules: [{id: harm.theft, state: OFF}]" };
    const refused = await admin("PUT", "/api/v1/policies", loose);
    expect([refused.status, refused.body.reason]).toEqual([400, "POLICY_LOOSENED"]);
  });
});

let ursula: ReturnType<typeof user> | undefined;
