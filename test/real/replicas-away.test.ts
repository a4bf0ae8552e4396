import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Heard, rememberAnswers, tally, unclear, unrefused } from "./deployment/answers.js";
import { expectWhole } from "./deployment/audit.js";
import { createClients } from "./deployment/clients.js";
import type { Dependency } from "./deployment/dependencies.js";
import { compareMemory, greatestGrowth, residentMemory } from "./deployment/memory.js";
import {
  platformInstalled,
  type ReplicatedPlatform,
  report,
  startReplicatedPlatform,
} from "./deployment/platform.js";
import { degradations, untilRelayed, untilServing, waitingEvents } from "./deployment/probe.js";
import { startWriters, type Writers } from "./deployment/writers.js";
import { until } from "./servers/process-tree.js";

const outageMs = 20_000;
/** How long it may take until an outage is noticed. */
const noticeMs = 3_000;
/** Within what PostgreSQL is in use again. */
const recoveryMs = 5_000;
/** What a client waits at most for the answer that a server is away. */
const patienceMs = 5_000;
const slowMs = 25;

describe.skipIf(!platformInstalled)("two replicas of every service under load", () => {
  let platform: ReplicatedPlatform;
  let writers: Writers;
  const answers = rememberAnswers();
  beforeAll(async () => {
    platform = await startReplicatedPlatform();
    const { deployment, ledger, token } = platform;
    const { send } = createClients(deployment.gateways, token);
    writers = startWriters({ send, ledger, concurrency: 6, paceMs: 200, heard: answers.hear });
    // Compiled code and filled pools are no growth.
    await until(() => ledger.count("acknowledged") >= 200, { ms: 90_000 });
  });
  afterAll(async () => {
    await writers?.stop();
    await platform?.stop();
  });

  const server = (name: Dependency["name"]) =>
    platform.servers.all.find((one) => one.name === name) as Dependency;

  /** Lets something last for 20 s; what was answered once it had to be noticed, with figures in the log. */
  const during = async (
    what: string,
    outage: { begin(): Promise<void>; end(): Promise<void>; check?(): Promise<void> },
  ) => {
    const before = await residentMemory(platform.deployment);
    const begin = performance.now();
    await outage.begin();
    try {
      await until(() => performance.now() >= begin + noticeMs);
      await outage.check?.();
      await until(() => performance.now() >= begin + outageMs);
    } finally {
      await outage.end();
    }
    const heard = answers.between(begin + noticeMs, begin + outageMs);
    const after = await residentMemory(platform.deployment);
    const serving = await untilServing(platform);
    const relayed = serving + (await untilRelayed(platform));
    report(`${what}: ${tally(heard)}; slowest ${slowest(heard)} ms`);
    report(
      `  back after ${serving.toFixed(0)} ms, all events relayed after ${relayed.toFixed(0)} ms; MiB: ${compareMemory(before, after)}`,
    );
    expect(heard.length).toBeGreaterThan(20);
    expect(greatestGrowth(before, after)).toBeLessThan(64);
    return { heard, serving };
  };

  const stopped = (name: Dependency["name"]) => ({
    begin: () => server(name).kill(),
    end: () => server(name).start(),
  });
  const hung = (name: Dependency["name"]) => ({
    begin: () => server(name).hang(),
    end: () => server(name).resume(),
  });
  const faults = [
    ["stopped", stopped],
    ["hung", hung],
  ] as const;

  it.each(faults)(
    "answer 503 with retry-after while PostgreSQL is %s, and are back within 5 s",
    async (how, fault) => {
      const { heard, serving } = await during(`PostgreSQL ${how}`, fault("postgres"));
      expect(unrefused(heard)).toEqual([]);
      expect(slowest(heard)).toBeLessThan(patienceMs);
      expect(serving).toBeLessThan(recoveryMs);
    },
  );

  it.each(faults)("refuse what is counted while Redis is %s, and serve what is not", async (how, fault) => {
    const check = async () => {
      const keys = platform.deployment.gateways.map((url) => fetch(`${url}/.well-known/jwks.json`));
      expect((await Promise.all(keys)).map(({ status }) => status)).toEqual([200, 200]);
    };
    const { heard } = await during(`Redis ${how}`, { ...fault("redis"), check });
    expect(unrefused(heard)).toEqual([]);
    expect(slowest(heard)).toBeLessThan(patienceMs);
  });

  it.each(faults)("serve on while NATS is %s, keep the events and say so", async (how, fault) => {
    const check = async () => {
      const said = new Set(["200 events"]);
      await until(async () => (await degradations(platform)).every((one) => said.has(one)), { ms: 15_000 });
      await until(async () => (await waitingEvents(platform, new Date())) > 10, { ms: 15_000 });
    };
    const { heard } = await during(`NATS ${how}`, { ...fault("nats"), check });
    expect(heard.filter(({ reply }) => reply?.body?.detail?.includes("event bus"))).toEqual([]);
    // A machine that is busy otherwise lets a deadline pass now and then, without NATS having a part in it.
    expect(heard.filter(({ reply }) => reply?.status === 200).length / heard.length).toBeGreaterThan(0.95);
  });

  it("answer or refuse clearly while all of them are slow", async () => {
    const slow = (milliseconds: number) => async () => {
      for (const one of platform.servers.all) one.slow(milliseconds);
    };
    const { heard } = await during(`all slow by ${2 * slowMs} ms`, {
      begin: slow(slowMs),
      end: slow(0),
    });
    expect(unclear(heard)).toEqual([]);
    expect(heard.some(({ reply }) => reply?.status === 200)).toBe(true);
  });

  it("have lost nothing that was acknowledged and done nothing twice by then", async () => {
    await writers.stop();
    report(
      `outages: ${platform.ledger.writes.length} writes, ${platform.ledger.count("acknowledged")} acknowledged`,
    );
    await expectWhole(platform);
  });
});

function slowest(heard: readonly Heard[]): number {
  return Math.round(Math.max(...heard.map(({ took }) => took)));
}
