import { Code } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { SystemService } from "#gen/ts/consciousness/system/v1/system_service_pb.js";
import { planChain } from "../../../services/kit/chain/chain.js";
import { type AdmissionLimits, createAdmission, limit } from "../../../services/kit/chain/limit.js";
import { callOf } from "../../../services/kit/context.js";
import { fakeClock } from "../tokens/forge.js";
import { contractOf, expectRefusal, getAgent, messagesOf, pass, requestOf, watch } from "./calls.js";

const open = () => new AbortController().signal;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
});

function admissionOf(limits: Partial<AdmissionLimits> = {}) {
  const clock = fakeClock();
  return {
    clock,
    admission: createAdmission({ concurrent: 1, queued: 2, queueBudgetMs: 100, ...limits }, clock),
  };
}

describe("admission", () => {
  it("lets as many in as run at once", async () => {
    const { admission } = admissionOf({ concurrent: 2, queued: 0 });
    expect(await Promise.all([1, 2, 3].map(() => admission.enter(open())))).toEqual([true, true, false]);
    admission.leave();
    expect(await admission.enter(open())).toBe(true);
  });

  it("hands the place of who leaves to the next in line, first come, first served", async () => {
    const { admission } = admissionOf();
    await admission.enter(open());
    const order: number[] = [];
    const waiting = [1, 2].map((who) => admission.enter(open()).then(() => order.push(who)));
    expect(order).toEqual([]);
    admission.leave();
    await waiting[0];
    expect(order).toEqual([1]);
    expect(admission.load().inFlight).toBe(1);
    admission.leave();
    await waiting[1];
    expect(order).toEqual([1, 2]);
    admission.leave();
    expect(admission.load().inFlight).toBe(0);
  });

  it("turns away who finds the queue full", async () => {
    const { admission } = admissionOf({ queued: 1 });
    await admission.enter(open());
    const second = admission.enter(open());
    expect(await admission.enter(open())).toBe(false);
    admission.leave();
    expect(await second).toBe(true);
  });

  it("turns away who has waited for the whole budget, and frees that place in line", async () => {
    const { admission } = admissionOf({ queued: 1 });
    await admission.enter(open());
    const waiting = admission.enter(open());
    await vi.advanceTimersByTimeAsync(100);
    expect(await waiting).toBe(false);
    const next = admission.enter(open());
    admission.leave();
    expect(await next).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("forgets who goes away while waiting, so that the place goes to the next", async () => {
    const { admission } = admissionOf();
    await admission.enter(open());
    const leaver = new AbortController();
    const gone = admission.enter(leaver.signal);
    const next = admission.enter(open());
    leaver.abort();
    expect(await gone).toBe(false);
    admission.leave();
    expect(await next).toBe(true);
    expect(admission.load().inFlight).toBe(1);
  });

  it("keeps nobody in line who has already gone", async () => {
    const { admission } = admissionOf();
    await admission.enter(open());
    expect(await admission.enter(AbortSignal.abort())).toBe(false);
  });

  it("tells how busy it is", async () => {
    const { admission, clock } = admissionOf();
    expect(admission.load()).toEqual({ inFlight: 0, limit: 1, queueMs: 0, queueBudgetMs: 100 });
    await admission.enter(open());
    const waiting = admission.enter(open());
    clock.advance(40);
    admission.leave();
    await waiting;
    expect(admission.load()).toMatchObject({ inFlight: 1, queueMs: 40 });
    admission.leave();
    await admission.enter(open());
    expect(admission.load()).toMatchObject({ inFlight: 1, queueMs: 0 });
  });
});

describe("the limit of a workload", () => {
  it("refuses a call beyond it, and admits one again when another has ended", async () => {
    const { admission, clock } = admissionOf({ queued: 0 });
    const layers = [limit(admission, clock)];
    let finish = () => {};
    const first = pass(
      layers,
      requestOf(getAgent),
      () =>
        new Promise<object>((resolve) => {
          finish = () => resolve({});
        }),
    );
    const error = await expectRefusal(pass(layers, requestOf(getAgent)), Code.Unavailable, "OVERLOADED");
    expect(error.rawMessage).toBe("agents is at its limit of 1 concurrent calls. Try again shortly.");
    finish();
    await first;
    await pass(layers, requestOf(getAgent));
    expect(admission.load().inFlight).toBe(0);
  });

  it("frees the place of a call that fails", async () => {
    const { admission, clock } = admissionOf();
    const failing = () => Promise.reject(new Error("no"));
    await expect(pass([limit(admission, clock)], requestOf(getAgent), failing)).rejects.toThrow("no");
    expect(admission.load().inFlight).toBe(0);
  });

  it("keeps the place of a stream until it ends", async () => {
    const { admission, clock } = admissionOf();
    const streaming = { ...contractOf(watch), workload: Workload.AGENTS };
    const message = (async function* () {
      yield {};
    })();
    const plan = planChain(new Map([[watch, streaming]]), [limit(admission, clock)]).get(watch);
    const answer = plan?.(async () => ({ stream: true, message }) as never);
    const response = await answer?.(requestOf(watch));
    expect(admission.load().inFlight).toBe(1);
    if (response) await messagesOf(response);
    expect(admission.load().inFlight).toBe(0);
  });

  it("tells the handler how long its call has waited", async () => {
    const { admission, clock } = admissionOf();
    await admission.enter(open());
    const waiting = pass([limit(admission, clock)], requestOf(getAgent), ({ contextValues }) => {
      expect(callOf({ values: contextValues }).queueMs).toBe(30);
      return {};
    });
    await vi.advanceTimersByTimeAsync(0);
    clock.advance(30);
    admission.leave();
    await waiting;
  });

  it("never turns operators away", () => {
    const { admission, clock } = admissionOf();
    expect(limit(admission, clock)(contractOf(SystemService.method.getHealth))).toBeUndefined();
  });
});
