import { describe, expect, it } from "vitest";
import { errors } from "../../../../services/kit/errors.js";
import { tableDeadLetters } from "../../../../services/kit/events/table-dead-letters.js";
import { memoryBus } from "../../../../services/kit/stores/bus/memory.js";
import { type CachedOptions, cached } from "../../../../services/kit/stores/cache/cached.js";
import { invalidateByEvents } from "../../../../services/kit/stores/cache/invalidate.js";
import { memoryCache } from "../../../../services/kit/stores/cache/memory.js";
import type { Cache } from "../../../../services/kit/stores/cache/port.js";
import { emptyDatabase } from "../../../support/database.js";
import { effectSchema, record, reporting, startRelay, until } from "../../events/events.js";

const codec = {
  encode: (value: string) => new TextEncoder().encode(value),
  decode: (bytes: Uint8Array) => new TextDecoder("utf-8", { fatal: true }).decode(bytes),
};
const keyOf = (id: string) => ({ tenant: "t1", group: `agent/${id}`, name: "name.v1" });

function reader(over: Partial<CachedOptions<string, string>> = {}) {
  let time = 1_000;
  const clock = { now: () => time, monotonic: () => time };
  const { metrics, log, lines } = reporting();
  const cache = over.cache ?? memoryCache({ clock });
  const loads: string[] = [];
  const load = over.load ?? (async (id: string) => `${id} ${loads.length}`);
  const read = cached<string, string>({
    name: "names",
    keyOf,
    codec,
    metrics,
    log,
    ...over,
    cache,
    load: async (id) => {
      loads.push(id);
      return load(id);
    },
  });
  const count = async (outcome: string) => {
    const { body } = await metrics.expose();
    const line = new RegExp(`cache_reads_total\\{cache="names",outcome="${outcome}"\\} (\\d+)`);
    return Number(line.exec(body)?.[1] ?? 0);
  };
  const advance = (ms: number) => {
    time += ms;
  };
  return { read, cache, loads, lines, count, advance };
}

const broken: Cache = {
  read: () => Promise.reject(errors.dependencyUnavailable({ dependency: "The cache" })),
  write: () => Promise.reject(errors.dependencyUnavailable({ dependency: "The cache" })),
  invalidate: () => Promise.reject(errors.dependencyUnavailable({ dependency: "The cache" })),
  ping: () => Promise.reject(errors.dependencyUnavailable({ dependency: "The cache" })),
  close: async () => undefined,
};

describe("reading through a cache", () => {
  it("loads a value once in five minutes and counts hits and misses", async () => {
    const { read, loads, count, advance } = reader();
    expect([await read("a"), await read("a")]).toEqual(["a 1", "a 1"]);
    advance(299_000);
    expect(await read("a")).toBe("a 1");
    advance(2_000);
    expect(await read("a")).toBe("a 2");
    expect(loads).toEqual(["a", "a"]);
    expect([await count("miss"), await count("hit")]).toEqual([2, 2]);
  });

  it("lets all who ask at once share one load", async () => {
    const { read, loads } = reader();
    const values = await Promise.all(Array.from({ length: 100 }, () => read("a")));
    expect(new Set(values)).toEqual(new Set(["a 1"]));
    expect(loads).toEqual(["a"]);
  });

  it("rejects as the load does, and loads again the next time", async () => {
    let failing = true;
    const { read } = reader({
      load: async (id) => {
        if (failing) throw errors.agentNotFound({ id });
        return id;
      },
    });
    await expect(read("a")).rejects.toThrow("Agent a does not exist");
    failing = false;
    expect(await read("a")).toBe("a");
  });

  it("serves a stale value while it loads a new one, where that is allowed", async () => {
    const { read, loads, count, advance } = reader({ ttlMs: 1_000, staleMs: 1_000 });
    await read("a");
    advance(1_500);
    expect(await read("a")).toBe("a 1");
    await until(() => loads.length === 2);
    expect(await read("a")).toBe("a 2");
    expect(await count("stale")).toBe(1);
    advance(2_500);
    expect(await read("a")).toBe("a 3");
  });

  it("keeps a stale value when loading it anew fails, and says so", async () => {
    let failing = false;
    const { read, lines, advance } = reader({
      ttlMs: 1_000,
      staleMs: 1_000,
      load: async () => {
        if (failing) throw errors.dependencyUnavailable({ dependency: "agents" });
        return "kept";
      },
    });
    await read("a");
    failing = true;
    advance(1_500);
    expect(await read("a")).toBe("kept");
    await until(() => lines.length === 1);
    expect(lines[0]?.message).toBe("a stale value stays");
  });

  it("loads without the cache while that is away, within a bound", async () => {
    const waiting: (() => void)[] = [];
    const { read, loads, count } = reader({
      cache: broken,
      mostLoads: 2,
      load: (id) => new Promise((resolve) => waiting.push(() => resolve(id))),
    });
    const first = [read("a"), read("b")];
    await until(() => waiting.length === 2);
    await expect(read("c")).rejects.toThrow("The source of names is at its limit of 2");
    for (const resolve of waiting) resolve();
    expect(await Promise.all(first)).toEqual(["a", "b"]);
    expect(loads).toEqual(["a", "b"]);
    expect(await count("away")).toBe(3);
  });

  it("loads what it cannot read, such as a form of another release", async () => {
    const { read, cache } = reader();
    const { generation } = await cache.read(keyOf("a"));
    await cache.write(keyOf("a"), Uint8Array.of(0xff), { generation, freshMs: 60_000, staleMs: 0 });
    expect(await read("a")).toBe("a 1");
  });

  it("loads anew what an event has changed", async () => {
    const database = await emptyDatabase();
    const db = await effectSchema(database, "agents");
    const bus = memoryBus();
    const { read, cache, loads } = reader();
    const consumer = await invalidateByEvents({
      bus,
      name: "names-cache",
      subject: "events.agents.>",
      cache,
      groupOf: ({ aggregateType, aggregateId }) =>
        aggregateType === "agent" ? `agent/${aggregateId}` : undefined,
      deadLetters: tableDeadLetters(db, bus),
      ...reporting(),
    });
    const relay = startRelay({ db, bus, workload: "agents", idleMs: 10, ...reporting() });
    expect([await read("a"), await read("b")]).toEqual(["a 1", "b 2"]);
    await record(db, "a");
    await until(async () => (await read("a")) === "a 3");
    expect(await read("b")).toBe("b 2");
    expect(loads).toEqual(["a", "b", "a"]);
    await Promise.all([relay.stop(), consumer.stop()]);
    await database.end();
  });
});
