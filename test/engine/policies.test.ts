import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { Verdict } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { PolicyChangedSchema } from "#gen/ts/consciousness/policy/v1/policy_events_pb.js";
import { effectivePolicy } from "../../services/engine/domain/policy/policy.js";
import { errorFacts } from "../../services/kit/errors.js";
import { newId } from "../../services/kit/ids.js";
import { readEvents } from "../../services/kit/outbox.js";
import { person } from "../support/person.js";
import { type Engine, startEngine } from "./support/engine.js";

const shop = "Returns are accepted within 30 days.";
const input = "When are returns accepted?";
const blocking = (word: string, severity = "HIGH") =>
  JSON.stringify({
    rules: [
      { id: "own.word", scopes: ["INPUT"], condition: `text.contains("${word}")`, severity, message: "No." },
    ],
  });

let engine: Engine;
let agentId: string;
beforeAll(async () => {
  engine = await startEngine();
  agentId = engine.addAgent(shop);
});
afterAll(() => engine.database.end());

const inTenant = () => person({ tenant: newId() });

const refusal = async (promise: Promise<unknown>) => {
  const error = await promise.then(
    () => new Error("nothing was rejected"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof ConnectError)) throw error;
  return [Code[error.code], errorFacts(error)?.reason];
};

const judged = async (who = inTenant(), asked: { input?: string; agentId?: string } = {}) => {
  const outcome = engine.as(who).process({ input, agentId, ...asked });
  return outcome.then(
    ({ verdict, ethicalEvaluation }) => [verdict, ethicalEvaluation?.policyDigest],
    () => [Verdict.BLOCKED],
  );
};

describe("GetPolicy", () => {
  it("returns the shipped policy where nobody has put another, by the digest of decisions", async () => {
    const ann = inTenant();
    const got = await engine.policiesAs(ann).getPolicy({});
    expect(got.digest).toBe(effectivePolicy([]).digest);
    expect(got.policy?.rules).toHaveLength(effectivePolicy([]).policy.rules.length);
    expect(got.layers.map(({ level }) => level)).toEqual(["shipped"]);
    expect(got.document).toBe("");
    expect(await judged(ann)).toEqual([Verdict.ALLOWED, got.digest]);
  });

  it("rejects for an agent that the caller does not see", async () => {
    const got = engine.policiesAs(inTenant()).getPolicy({ agentId: newId() });
    expect(await refusal(got)).toEqual(["NotFound", "AGENT_NOT_FOUND"]);
  });
});

describe("PutPolicy", () => {
  it("has the tenant's requests judged by it, and no other tenant's", async () => {
    const [ann, bob] = [inTenant(), inTenant()];
    const policies = engine.policiesAs(ann);
    const { version } = await policies.putPolicy({ document: blocking("returns"), note: "A trial" });
    expect(version).toMatchObject({ version: 1, author: ann.subject, note: "A trial", rolledBackTo: 0 });
    expect(await judged(ann)).toEqual([Verdict.BLOCKED]);
    const [verdict, digest] = await judged(ann, {
      input: "When does the shop open?",
      agentId: engine.addAgent("The shop opens at nine."),
    });
    expect([verdict, digest]).toEqual([Verdict.ALLOWED, (await policies.getPolicy({})).digest]);
    const { verdict: told } = await engine.as(ann).evaluateEthics({ text: input });
    expect(told).toBe(Verdict.BLOCKED);
    expect(await judged(bob)).toEqual([Verdict.ALLOWED, effectivePolicy([]).digest]);
  });

  it("leaves a row and an event", async () => {
    const ann = inTenant();
    const { version } = await engine.policiesAs(ann).putPolicy({ document: blocking("a") });
    const [event] = await readEvents(engine.db, { aggregate: { type: "policy", id: ann.tenant }, limit: 9 });
    expect(event).toMatchObject({ tenantId: ann.tenant, version: 1n, actor: ann.subject });
    const payload = event?.payload && anyUnpack(event.payload, PolicyChangedSchema);
    expect(payload).toMatchObject({ agentId: "", version: 1, digest: version?.digest, rolledBackTo: 0 });
    expect(version?.digest).toMatch(/^[0-9a-f]{64}$/);
  });

  it("for an agent holds for that agent alone, above the tenant's", async () => {
    const ann = inTenant();
    const other = engine.addAgent(shop);
    await engine.policiesAs(ann).putPolicy({ document: blocking("sneeze") });
    await engine.policiesAs(ann).putPolicy({ agentId, document: blocking("sneeze", "CRITICAL") });
    const { layers } = await engine.policiesAs(ann).getPolicy({ agentId });
    expect(layers.map(({ level, version }) => [level, version])).toEqual([
      ["shipped", 0],
      ["tenant", 1],
      ["agent", 1],
    ]);
    const asked = { input: `${input} I sneeze.` };
    expect(await judged(ann, asked)).toEqual([Verdict.BLOCKED]);
    const of = async (id: string) => (await engine.policiesAs(ann).getPolicy({ agentId: id })).digest;
    expect(await of(agentId)).not.toBe(await of(other));
  });

  it("changes nothing for a document that is in force", async () => {
    const policies = engine.policiesAs(inTenant());
    const document = blocking("a");
    await policies.putPolicy({ document });
    const { version } = await policies.putPolicy({ document });
    expect(version?.version).toBe(1);
  });

  it("takes effect once for an idempotency key", async () => {
    const ann = inTenant();
    const key = newId();
    const first = await engine.policiesAs(ann, key).putPolicy({ document: blocking("a") });
    const again = await engine.policiesAs(ann, key).putPolicy({ document: blocking("a") });
    expect(again).toEqual(first);
    const { versions } = await engine.policiesAs(ann).listPolicyVersions({});
    expect(versions).toHaveLength(1);
  });

  it.each([
    ["no policy", "rules: 7", ["InvalidArgument", "POLICY_INVALID"]],
    ["a rule that is not whole", "rules: [{id: own.word}]", ["InvalidArgument", "POLICY_INVALID"]],
    [
      "looser than it may be",
      "rules: [{id: harm.fraud, state: OFF}]",
      ["FailedPrecondition", "POLICY_LOOSENED"],
    ],
  ])("rejects a document that is %s, and keeps nothing", async (_, document, expected) => {
    const policies = engine.policiesAs(inTenant());
    expect(await refusal(policies.putPolicy({ document }))).toEqual(expected);
    expect((await policies.listPolicyVersions({})).versions).toEqual([]);
  });

  it("rejects an etag of another state, and takes the present one", async () => {
    const policies = engine.policiesAs(inTenant());
    const { etag } = await policies.getPolicy({});
    const { version } = await policies.putPolicy({ document: blocking("a"), etag });
    const late = policies.putPolicy({ document: blocking("b"), etag });
    expect(await refusal(late)).toEqual(["Aborted", "POLICY_CHANGED"]);
    const next = await policies.putPolicy({ document: blocking("b"), etag: version!.etag });
    expect(next.version?.version).toBe(2);
    expect((await policies.getPolicy({})).etag).toBe(next.version?.etag);
  });

  it("lets one of two at once win", async () => {
    const policies = engine.policiesAs(inTenant());
    const { etag } = await policies.getPolicy({});
    const both = await Promise.allSettled(
      ["a", "b"].map((word) => policies.putPolicy({ document: blocking(word), etag })),
    );
    expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  });
});

describe("the history of a policy", () => {
  it("lists versions newest first, by pages, and has each document", async () => {
    const ann = inTenant();
    const policies = engine.policiesAs(ann);
    for (const word of ["a", "b", "c"]) await policies.putPolicy({ document: blocking(word) });
    const first = await policies.listPolicyVersions({ pageSize: 2 });
    expect(first.versions.map(({ version, document }) => [version, document])).toEqual([
      [3, ""],
      [2, ""],
    ]);
    const rest = await policies.listPolicyVersions({ pageSize: 2, pageToken: first.nextPageToken });
    expect(rest.versions.map(({ version }) => version)).toEqual([1]);
    expect(rest.nextPageToken).toBe("");
    const { version } = await policies.getPolicyVersion({ version: 2 });
    expect(version?.document).toBe(blocking("b"));
    const foreign = engine.policiesAs(inTenant()).listPolicyVersions({ pageToken: first.nextPageToken });
    expect(await refusal(foreign)).toEqual(["InvalidArgument", "PAGE_TOKEN_INVALID"]);
    const none = engine.policiesAs(inTenant()).getPolicyVersion({ version: 2 });
    expect(await refusal(none)).toEqual(["NotFound", "POLICY_VERSION_NOT_FOUND"]);
  });

  it("brings a version back as a new one", async () => {
    const ann = inTenant();
    const policies = engine.policiesAs(ann);
    await policies.putPolicy({ document: blocking("elephants") });
    await policies.putPolicy({ document: blocking("returns") });
    expect(await judged(ann)).toEqual([Verdict.BLOCKED]);
    const { version } = await policies.rollbackPolicy({ version: 1, note: "Too strict" });
    expect(version).toMatchObject({ version: 3, rolledBackTo: 1, note: "Too strict" });
    expect((await judged(ann))[0]).toBe(Verdict.ALLOWED);
    const missing = policies.rollbackPolicy({ version: 9 });
    expect(await refusal(missing)).toEqual(["NotFound", "POLICY_VERSION_NOT_FOUND"]);
    const late = policies.rollbackPolicy({ version: 2, etag: "other" });
    expect(await refusal(late)).toEqual(["Aborted", "POLICY_CHANGED"]);
  });
});

describe("the operator's policy on disk", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "policy-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("takes effect without a restart when it is edited, and stays when it breaks", async () => {
    const policyFile = join(folder, "policy.yaml");
    await writeFile(policyFile, "rules: []");
    const own = await startEngine({ policyFile });
    const policies = own.policiesAs(inTenant());
    const digest = async () => (await policies.getPolicy({})).digest;
    const before = await digest();
    await writeFile(policyFile, "rules: [{id: harm.fraud, state: SHADOW}]");
    await vi.waitFor(async () => expect(await digest()).not.toBe(before), { timeout: 15_000, interval: 50 });
    const { policy, layers } = await policies.getPolicy({});
    expect(layers.map(({ level }) => level)).toEqual(["shipped", "operator"]);
    expect(policy?.rules.find(({ id }) => id === "harm.fraud")?.overridable).toBe(false);
    await own.served.stop?.();
    await own.database.end();
  });

  it("that is none stops the start", async () => {
    const policyFile = join(folder, "broken.yaml");
    await writeFile(policyFile, "rules: 7");
    await expect(startEngine({ policyFile })).rejects.toThrow("rules has to be a list");
    await expect(startEngine({ policyFile: join(folder, "missing.yaml") })).rejects.toThrow("ENOENT");
  });
});
