import { readFileSync } from "node:fs";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Verdict } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { releasedContent } from "../../../services/engine/domain/verdict.js";
import { readContract, readError } from "../../../services/generate/contract.js";
import { answerOf } from "../../../services/generate/no-bypass/answers.js";
import { blockReason } from "../../../services/generate/no-bypass/document.js";
import { type DecisionRoute, decisionRoutes } from "../../../services/generate/no-bypass/routes.js";
import {
  type Situation,
  type SituationName,
  situations,
} from "../../../services/generate/no-bypass/situations.js";
import { startPlatform, type TestPlatform } from "../../support/platform.js";
import { type StandIn, startProvider } from "../../support/provider.js";
import { restClient } from "../../support/rest.js";
import { eventually, until } from "../../support/until.js";
import { ask, type Heard, nameOf, type Seen } from "./ask.js";
import { finds } from "./finds.js";
import { breakThreads, closedJudgePolicy, judge, knowledge, policyDocument, setUps } from "./set-ups.js";

/** One way of a route. */
interface Way {
  readonly route: DecisionRoute;
  readonly http2: boolean;
}

const image = createFileRegistry(
  fromBinary(
    FileDescriptorSetSchema,
    readFileSync(new URL("../../../gen/contract/contract.binpb", import.meta.url)),
  ),
);
const routes = decisionRoutes(readContract(image));
const block = readError(image, blockReason);
const answer_reuse = { max_age_seconds: 3_600 };
const names = Object.keys(situations) as SituationName[];

/** Those in which every route is called over HTTP/2 as well. */
const overHttp2: ReadonlySet<string> = new Set<SituationName>(["injection", "harmfulAnswer", "harmless"]);
/** One that fails ten times is left alone, so those that fail are several. */
const waysOfProvider = 9;
/** Those whose provider has little time. */
const impatient: ReadonlySet<string> = new Set<SituationName>(["slow", "stalling"]);
/** So long the tests wait for each check that hangs. */
const checkBudgetMs = 2_000;

/** Asked where a head warns. */
const llmJudge = { provider: "judge", timeout_ms: 1_000 };

let platform: TestPlatform;
let token: string;
let provider: StandIn;
let rest: ReturnType<typeof restClient>;
let stopBreaking: () => void;
/** Whether the answers that are to be given again have been given. */
let allKnown = false;
const agents = new Map<string, string>();
const heard: { readonly name: SituationName; readonly route: DecisionRoute; readonly one: Heard }[] = [];

beforeAll(async () => {
  stopBreaking = breakThreads(() => allKnown);
  provider = await startProvider();
  provider.answerWith((request, response) => {
    const asked = request.url?.split("/")[2];
    const answer = asked === llmJudge.provider ? judge : setUps[asked as SituationName].provider;
    answer?.(request, response);
  });
  const ids = names.flatMap((name) => idsOf(name).map((id) => ({ name, id })));
  const providers = ids.map(({ name, id }) => ({
    id,
    base_url: `${provider.url}/${name}`,
    model: "stand-in",
    retries: 0,
    timeout_ms: impatient.has(name) ? 300 : 15_000,
  }));
  const judging = { id: llmJudge.provider, base_url: `${provider.url}/judge`, model: "stand-in", retries: 0 };
  const budgets = { mask: checkBudgetMs, screen_input: checkBudgetMs, screen_output: checkBudgetMs };
  platform = await startPlatform({
    environment: {
      ENGINE_PROVIDERS: JSON.stringify([...providers, judging]),
      ENGINE_LLM_JUDGE: JSON.stringify(llmJudge),
      ENGINE_STREAM_WINDOWED: "true",
      ENGINE_KEEP_ALIVE_MS: "50",
      ENGINE_STAGE_BUDGETS_MS: JSON.stringify(budgets),
    },
  });
  token = await platform.signIn();
  rest = restClient(platform.url, token);
  const put = await rest("PUT", "/api/v1/policies", { document: policyDocument });
  expect(put.status).toBe(200);
  await Promise.all(ids.map(({ name, id }) => createAgent(name, id)));
  await Promise.all(names.filter((name) => setUps[name].known).map(makeKnown));
  allKnown = true;
}, 60_000);
afterAll(async () => {
  await platform?.stop();
  provider?.close();
  stopBreaking?.();
});

/** Asks until the answer is given again, by a route of each service: they tell a provider different things. */
async function makeKnown(name: SituationName): Promise<void> {
  const services = new Map(routes.map((route) => [route.method.service, route]));
  for (const route of services.values()) {
    await until(async () => {
      const one = await askOne(name, { route, http2: route.protocol === "gRPC" }, 0);
      // What is asked here is no more than a harmless question to a provider that answers it.
      heard.push({ name: "harmless", route, one });
      return (await rest("GET", `/api/v1/consciousness/decisions/${one.decisionId}`)).body.cached;
    });
  }
}

async function createAgent(name: SituationName, id: string): Promise<void> {
  const grounding = setUps[name].grounded ? "GROUNDING_REQUIRED" : "GROUNDING_OPTIONAL";
  const { status, body } = await rest("POST", "/api/v1/agents", {
    name: id,
    agent_type: "chat",
    status: "AGENT_STATUS_ACTIVE",
    configuration: { provider_id: id, grounding, ...(setUps[name].known && { answer_reuse }) },
    knowledge: [knowledge],
  });
  expect([status, body]).toMatchObject([200, { name: id }]);
  agents.set(id, body.id);
  if (!setUps[name].judgeClosed) return;
  const document = { agent_id: body.id, document: closedJudgePolicy };
  expect((await rest("PUT", "/api/v1/policies", document)).status).toBe(200);
}

/** The provider, and the name of its agent, that a way of a situation asks. */
function idOf(name: SituationName, way = 0): string {
  const fails = situations[name].verdict === "ABSTAINED";
  return `${name.toLowerCase()}-${fails ? Math.floor(way / waysOfProvider) : 0}`;
}

function idsOf(name: SituationName): string[] {
  return [...new Set(waysIn(name).map((_, way) => idOf(name, way)))];
}

function waysIn(name: SituationName): Way[] {
  const open = setUps[name].grounded ? routes.filter(({ release }) => release !== "windowed") : routes;
  return open.flatMap((route) => {
    const own = { route, http2: route.protocol === "gRPC" };
    return own.http2 || !overHttp2.has(name) ? [own] : [own, { route, http2: true }];
  });
}

/** Asks by every way at once. */
async function askAll(name: SituationName): Promise<Map<string, Heard>> {
  const asked = waysIn(name).map(async (way, at) => {
    const one = await askOne(name, way, at);
    heard.push({ name, route: way.route, one });
    return [nameOf(way.route, way.http2), one] as const;
  });
  return new Map(await Promise.all(asked));
}

function askOne(name: SituationName, { route, http2 }: Way, at: number): Promise<Heard> {
  const { input = "Say good morning." } = setUps[name];
  const agentId = agents.get(idOf(name, at)) ?? "";
  return ask({ url: platform.url, token }, route, { agentId, input }, http2);
}

/** How often the provider of a situation was asked. */
function timesAsked(name: SituationName): number {
  return provider.heard.filter(({ url }) => url?.split("/")[2] === name).length;
}

/** What every route has to say in a situation. */
function expected(name: SituationName, { route }: Way): Seen {
  const situation: Situation = situations[name];
  const answer = answerOf(route, situation, block);
  const refused = answer.last.includes("error") && answer.code !== "content_filter";
  return {
    ...answer,
    reason: refused ? blockReason : "",
    verdict: situation.verdict,
    content: releasedContent(Verdict[situation.verdict], setUps[name].content ?? ""),
  };
}

/** Whether the provider was asked once for each answer, if at all. One whose time is over before it hears is not. */
function expectAsked(name: SituationName, asked: number, answers: number): void {
  const short = impatient.has(name);
  const wanted = situations[name].provider.startsWith("is not asked") ? 0 : answers;
  expect(short ? asked > 0 && asked <= wanted : asked === wanted).toBe(true);
}

describe("the matrix", () => {
  it.each(names)("%s: the same verdict by every route, and nothing withheld by any", async (name) => {
    const { secrets, windows } = setUps[name];
    const before = timesAsked(name);
    const answers = await askAll(name);
    const seen = Object.fromEntries([...answers].map(([way, one]) => [way, one.seen]));
    const wanted = waysIn(name).map((way) => [nameOf(way.route, way.http2), expected(name, way)]);
    expect(seen).toEqual(Object.fromEntries(wanted));
    expect(new Set([...answers.values()].map(({ decisionId }) => decisionId)).size).toBe(answers.size);
    const leaks = [...answers].flatMap(([way, { bytes }]) =>
      [...secrets, ...(windows && !way.endsWith("windowed") ? [windows] : [])]
        .filter((secret) => finds(bytes, secret))
        .map((secret) => `${way}: ${secret}`),
    );
    expect(leaks).toEqual([]);
    expectAsked(name, timesAsked(name) - before, answers.size);
  });

  it("lets windows leave before the verdict where they were asked for, and nowhere else", () => {
    const released = heard.filter(({ one }) => one.windows !== "");
    const inWindows = [
      "harmfulEnd",
      "harmless",
      "known",
      "personalData",
      "answerRuleOpen",
      "judgedHarmless",
      "llmJudgeFails",
    ] as const;
    const untilTheirEnd = ["answerJudgeFails", "answerJudgeHangs", "answerMaskFails"] as const;
    expect(new Set(released.map(({ name }) => name))).toEqual(
      new Set<SituationName>([...inWindows, ...untilTheirEnd]),
    );
  });

  it("refuses windows of answers that have to stand on evidence", async () => {
    const { input = "" } = setUps.unsupported;
    const agentId = agents.get(idOf("unsupported")) ?? "";
    for (const route of routes.filter(({ release }) => release === "windowed")) {
      const { seen } = await ask({ url: platform.url, token }, route, { agentId, input });
      expect(seen).toMatchObject({ reason: "WINDOWED_RELEASE_NOT_ALLOWED", verdict: "", content: "" });
    }
  });

  it("has one decision on record for each call, with the verdict that was told", async () => {
    const stored = await allPages("/api/v1/consciousness/decisions", "decisions");
    expect(stored).toHaveLength(heard.length);
    const verdicts = new Map(stored.map(({ id, verdict }) => [id, verdict]));
    const wrong = heard.filter(
      ({ name, one }) => verdicts.get(one.decisionId) !== `VERDICT_${situations[name].verdict}`,
    );
    expect(wrong.map(({ name }) => name)).toEqual([]);
  });

  it("has every call in the audit record as a decision", async () => {
    await eventually(async () => {
      const events = await allPages("/api/v1/audit/events", "events");
      const decisions = events.filter(
        ({ audit_class, reason }) =>
          audit_class === "AUDIT_CLASS_DECISION" && reason !== "WINDOWED_RELEASE_NOT_ALLOWED",
      );
      const count = decisions.reduce((sum, event) => sum + event.count, 0);
      expect(count).toBe(heard.length);
      expect(new Set(decisions.map(({ reason }) => reason))).toEqual(new Set(["", blockReason]));
    });
  });

  it("leaves nothing that was withheld in the log", () => {
    const log = Buffer.from(JSON.stringify(platform.lines));
    expect(names.flatMap((name) => setUps[name].secrets).filter((secret) => finds(log, secret))).toEqual([]);
  });
});

describe("a check that could not be completed", () => {
  const broken = names.filter((name) => situations[name].checks !== "fine");

  it.each(broken)("%s: is told of in the decision, with its failure mode", async (name) => {
    const rule = /failure mode (\w+)/.exec(situations[name].checks)?.[1];
    const withheld = situations[name].verdict === "CHECK_UNAVAILABLE";
    for (const { one } of oneOfEachRelease(name)) {
      const { body } = await rest("GET", `/api/v1/consciousness/decisions/${one.decisionId}`);
      const { rule_failures: failures = [], reasoning_chain: steps } = body.ethical_evaluation;
      if (rule) {
        const id = setUps[name].judge ? "llm.harm" : `own.${rule.toLowerCase()}`;
        const failure = { rule_id: id, failure_mode: `FAILURE_MODE_${rule}` };
        expect(failures).toContainEqual(expect.objectContaining(failure));
      }
      const told = steps.filter(({ concluded }: { concluded: string }) => concluded.startsWith("the check "));
      expect(told.length > 0).toBe(withheld);
    }
  });
});

/** One call of each method and release. */
function oneOfEachRelease(name: SituationName): typeof heard {
  const calls = heard.filter((call) => call.name === name);
  return [
    ...new Map(calls.map((call) => [`${call.route.method.path} ${call.route.release}`, call])).values(),
  ];
}

// biome-ignore lint/suspicious/noExplicitAny: rows of any list.
async function allPages(path: string, field: string, from = ""): Promise<any[]> {
  const { status, body } = await rest("GET", `${path}?page_size=200&page_token=${encodeURIComponent(from)}`);
  expect(status).toBe(200);
  const rows = body[field] ?? [];
  return body.next_page_token ? [...rows, ...(await allPages(path, field, body.next_page_token))] : rows;
}
