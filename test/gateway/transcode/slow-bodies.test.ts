import { Readable } from "node:stream";
import { Code } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import type { RestRequest } from "../../../services/gateway/transcode/exchange.js";
import { takeIn } from "../../../services/gateway/transcode/intake.js";
import { readBytes } from "../../../services/gateway/transcode/read-bytes.js";
import { type BodySpace, createBodySpace } from "../../../services/kit/serve/body-space.js";
import { until } from "../../support/until.js";
import { manualTimers } from "./manual-timers.js";

const pace = { arrivalMs: 55, leastBytes: 10 };
const timeout = { rawMessage: "Too little of the body arrived within 55 ms." };

/** A body that arrives as the test pushes it. */
function body() {
  const request = Object.assign(new Readable({ read: () => undefined }), { headers: {} });
  return request as unknown as RestRequest & Readable;
}

function pushed(request: Readable, size: number): Promise<void> {
  request.push("x".repeat(size));
  // What was pushed reaches its reader in later turns of the event loop.
  return new Promise((resolve) => setImmediate(resolve));
}

describe("a whole body", () => {
  const begin = () => {
    const timers = manualTimers();
    const request = body();
    const bytes = readBytes(
      request,
      { ...pace, maxBytes: 1000, startTimer: timers.startTimer },
      (whole) => whole,
    );
    bytes.catch(() => undefined);
    return { timers, request, bytes };
  };

  it("is read while it makes progress, however long it takes, and leaves no timer", async () => {
    const { timers, request, bytes } = begin();
    for (let window = 0; window < 20; window++) {
      await pushed(request, 10);
      timers.fire(55);
    }
    request.push(null);
    expect(await bytes).toHaveLength(200);
    expect(timers.pending()).toEqual([]);
  });

  it("is refused when a time brings too little, whatever came before", async () => {
    const { timers, request, bytes } = begin();
    await pushed(request, 500);
    timers.fire(55);
    await pushed(request, 9);
    timers.fire(55);
    await expect(bytes).rejects.toMatchObject(timeout);
    expect(timers.pending()).toEqual([]);
  });
});

describe("the memory of bodies that arrive", () => {
  const begin = (space: BodySpace) => {
    const { startTimer } = manualTimers();
    const request = body();
    const bytes = readBytes(request, { ...pace, maxBytes: 1000, startTimer, space }, (whole) => whole);
    bytes.catch(() => undefined);
    return { request, bytes };
  };

  it("is shared: who brings more than there is room for is refused, and the others go on", async () => {
    const space = createBodySpace(1000);
    const [one, two, three] = [begin(space), begin(space), begin(space)];
    await pushed(one.request, 500);
    await pushed(two.request, 400);
    await pushed(three.request, 101);
    await expect(three.bytes).rejects.toMatchObject({
      code: Code.Unavailable,
      rawMessage: "Too many bodies arrive at once. Try again shortly.",
    });
    await pushed(two.request, 100);
    for (const { request } of [one, two]) request.push(null);
    expect((await Promise.all([one.bytes, two.bytes])).map(({ length }) => length)).toEqual([500, 500]);
  });

  it("is free again when bodies are whole, refused or gone", async () => {
    const space = createBodySpace(1000);
    const [whole, large, gone] = [begin(space), begin(space), begin(space)];
    await pushed(whole.request, 300);
    await pushed(gone.request, 300);
    whole.request.push(null);
    gone.request.destroy();
    await expect(gone.bytes).rejects.toMatchObject({ code: Code.Canceled });
    await pushed(large.request, 1001);
    await expect(large.bytes).rejects.toMatchObject({ code: Code.ResourceExhausted });
    await whole.bytes;
    const next = begin(space);
    await pushed(next.request, 1000);
    next.request.push(null);
    expect(await next.bytes).toHaveLength(1000);
  });
});

describe("a body that is read piece by piece", () => {
  const begin = () => {
    const timers = manualTimers();
    const request = body();
    const intake = takeIn(request, { maxBytes: 1000, startTimer: timers.startTimer });
    intake.keepPace(pace);
    return { timers, request, intake };
  };

  it("is read while it makes progress", async () => {
    const { timers, request, intake } = begin();
    for (let window = 0; window < 20; window++) {
      const piece = intake.next();
      await pushed(request, 10);
      expect(await piece).toHaveLength(10);
      const waiting = intake.next();
      timers.fire(55);
      await pushed(request, 1);
      expect(await waiting).toHaveLength(1);
    }
    request.push(null);
    expect(await intake.next()).toBeUndefined();
    intake.stop();
    expect(timers.pending()).toEqual([]);
  });

  it("is refused when pieces come often and bring too little together", async () => {
    const { timers, request, intake } = begin();
    for (let sent = 0; sent < 9; sent++) {
      const piece = intake.next();
      await pushed(request, 1);
      await piece;
    }
    const next = intake.next();
    timers.fire(55);
    await expect(next).rejects.toMatchObject(timeout);
  });

  it("does not count a time that ends while its reader is busy, and begins anew when it waits again", async () => {
    const { timers, request, intake } = begin();
    const piece = intake.next();
    await pushed(request, 1);
    await piece;
    timers.fire(55);
    expect(timers.pending()).toEqual([]);
    const next = intake.next();
    await until(() => timers.pending().length === 1);
    timers.fire(55);
    await expect(next).rejects.toMatchObject(timeout);
  });

  it("keeps no pace once it is relaxed", async () => {
    const { timers, request, intake } = begin();
    const piece = intake.next();
    await pushed(request, 1);
    await piece;
    intake.relax();
    expect(timers.pending()).toEqual([]);
    void intake.next();
    expect(timers.pending()).toEqual([]);
    intake.stop();
  });
});
