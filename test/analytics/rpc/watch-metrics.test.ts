import { create } from "@bufbuild/protobuf";
import { createContextValues, type HandlerContext } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import {
  LiveMetricsSchema,
  WatchMetricsRequestSchema,
} from "#gen/ts/consciousness/analytics/v1/analytics_service_pb.js";
import { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { createWatchers } from "../../../services/analytics/live/watchers.js";
import { watchMetrics } from "../../../services/analytics/rpc/watch-metrics.js";
import { callKey, type Principal } from "../../../services/kit/context.js";
import { rejectedBy, thrownBy } from "../../support/expect-reason.js";
import { manualTimers, settled } from "../../support/manual-timers.js";
import { principal } from "../support/analytics.js";

function watching({ longestMs = 3_600_000 } = {}) {
  const timers = manualTimers();
  const watchers = createWatchers();
  const asked: (string | undefined)[] = [];
  const live = {
    async of(tenantId: string | undefined) {
      asked.push(tenantId);
      return create(LiveMetricsSchema, {});
    },
  };
  const handle = watchMetrics({ live, watchers, longestMs, timers });
  const watch = (request: object, caller: Principal = principal()) => {
    const gone = new AbortController();
    const call = { principal: caller } as never;
    const context = {
      values: createContextValues().set(callKey, call),
      signal: gone.signal,
    } as HandlerContext;
    const messages = handle(create(WatchMetricsRequestSchema, request), context);
    return { gone, messages: messages[Symbol.asyncIterator]() };
  };
  return { timers, watchers, asked, watch };
}

describe("watching", () => {
  it("tells the figures at once, and then as often as asked", async () => {
    const { watch, timers, asked } = watching();
    const { messages, gone } = watch({ intervalSeconds: 2 });
    expect((await messages.next()).value).toHaveProperty("metrics");
    const second = messages.next();
    await timers.advance(1_999);
    expect(asked).toEqual(["acme"]);
    await timers.advance(1);
    expect((await second).done).toBe(false);
    expect(asked).toHaveLength(2);
    gone.abort();
  });

  it("tells them every five seconds when nothing is asked", async () => {
    const { watch, timers } = watching();
    const { messages, gone } = watch({});
    await messages.next();
    let told = false;
    const second = messages.next().then(() => {
      told = true;
    });
    await timers.advance(4_999);
    expect(told).toBe(false);
    await timers.advance(1);
    await second;
    gone.abort();
  });

  it("ends when the caller leaves, and gives its place back even if nobody reads on", async () => {
    const { watch, watchers } = watching();
    const waiting = watch({});
    await waiting.messages.next();
    const next = waiting.messages.next();
    waiting.gone.abort();
    expect((await next).done).toBe(true);
    for (let n = 0; n < 20; n += 1) {
      const left = watch({});
      await left.messages.next();
      left.gone.abort();
    }
    await settled();
    for (let n = 0; n < 16; n += 1) watchers.enter("acme");
  });

  it("ends when its reader stops", async () => {
    const { watch, watchers } = watching();
    for (let n = 0; n < 20; n += 1) {
      const { messages } = watch({});
      await messages.next();
      await messages.return?.(undefined);
    }
    for (let n = 0; n < 16; n += 1) watchers.enter("acme");
  });

  it("ends after the longest time, without an error", async () => {
    const { watch, asked } = watching({ longestMs: 1 });
    const { messages } = watch({});
    await messages.next();
    expect(await messages.next()).toEqual({ done: true, value: undefined });
    expect(asked).toHaveLength(1);
  });

  it("is for sixteen of a tenant at once", async () => {
    const { watch } = watching();
    for (let n = 0; n < 16; n += 1) await watch({}).messages.next();
    expect(await rejectedBy(watch({}).messages.next())).toMatchObject({
      code: "Unavailable",
      reason: "OVERLOADED",
    });
    const other = watch({}, principal({ tenant: "globex" }));
    expect((await other.messages.next()).done).toBe(false);
  });

  it("tells of every tenant only who administers them", async () => {
    const { watch, asked } = watching();
    const admin = principal({ permissions: [Permission.TENANT_ADMIN] });
    await watch({ allTenants: true }, admin).messages.next();
    expect(asked).toEqual([undefined]);
    expect(await rejectedBy(watch({ allTenants: true }).messages.next())).toMatchObject({
      code: "PermissionDenied",
      reason: "ALL_TENANTS_NOT_ALLOWED",
    });
  });
});

describe("places of watchers", () => {
  it("are sixty-four in all, and free again when left", () => {
    const watchers = createWatchers();
    const leave = Array.from({ length: 64 }, (_, n) => watchers.enter(`tenant ${n % 8}`));
    expect(thrownBy(() => watchers.enter("another"))).toMatchObject({ reason: "OVERLOADED" });
    leave[0]?.();
    watchers.enter("another");
  });
});
