import { Code } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { frameType, largest31 } from "../../../../services/kit/peers/framing/protocol.js";
import { isUnsentRequest } from "../../../../services/kit/peers/wire-errors.js";
import { answer, headersFrame, okHeaders, openFraming, rawFrame, uint32 } from "./server-side.js";

const goaway = (last: number, code = 0) => rawFrame(frameType.goaway, 0, 0, uint32(last, code));

describe("a server that goes away", () => {
  it("answers what it has taken; what is behind was never seen", async () => {
    const { begin, greet, receive, fate, frames, connection } = openFraming();
    const [one, two] = [begin(), begin()];
    greet();
    receive(goaway(1));
    expect([fate.leaving, connection.accepts, fate.ended]).toEqual([true, false, false]);
    expect(two.heard.end).toMatchObject({ error: { code: Code.Unavailable }, unsent: true });
    receive(answer(1));
    expect(one.heard.end).toBe("answered");
    expect(fate).toMatchObject({ ended: true, error: undefined, released: 2 });
    expect((await frames()).at(-1)).toMatchObject({ type: frameType.goaway, payload: uint32(0, 0) });
  });

  it("may say first that it will, and then what it has taken", () => {
    const { begin, greet, receive, fate } = openFraming();
    const [one, two] = [begin(), begin()];
    greet();
    receive(goaway(largest31));
    expect([one.heard.end, two.heard.end]).toEqual([undefined, undefined]);
    receive(goaway(1), answer(1));
    expect([one.heard.end, two.heard.end]).toMatchObject(["answered", { unsent: true }]);
    expect(fate.ended).toBe(true);
  });

  it("may say why, of which calls hear that are lost then", async () => {
    const { begin, connection, frames, greet, receive } = openFraming();
    const { heard } = begin();
    await frames();
    greet();
    receive(goaway(1, 11));
    connection.lost(new Error("cut"));
    const rawMessage = "the server ended the connection with ENHANCE_YOUR_CALM (0xb)";
    expect(heard.end).toMatchObject({ error: { rawMessage, code: Code.Unavailable } });
  });

  it("must not take more than it said", () => {
    const { begin, greet, receive, fate } = openFraming();
    begin();
    greet();
    receive(goaway(1), goaway(3));
    expect(fate.error).toMatchObject({ errorCode: 1 });
  });

  it("takes no call that comes too late", () => {
    const { begin, greet, receive } = openFraming();
    begin();
    greet();
    receive(goaway(1));
    let refusal: unknown;
    try {
      begin();
    } catch (error) {
      refusal = error;
    }
    expect(isUnsentRequest(refusal)).toBe(true);
  });
});

describe("a stream that the server resets", () => {
  const reset = (stream: number, code: number) => rawFrame(frameType.rstStream, 0, stream, uint32(code));

  it("with REFUSED_STREAM was never seen, unless it has answered", () => {
    const { begin, greet, receive, fate } = openFraming();
    const [one, two] = [begin(), begin()];
    greet();
    receive(reset(1, 7), headersFrame(3, okHeaders), reset(3, 7), reset(3, 7));
    expect([one.heard.end, two.heard.end]).toMatchObject([{ unsent: true }, { unsent: false }]);
    expect([fate.ended, fate.released]).toEqual([false, 2]);
  });

  it("with anything else fails by that", () => {
    const { begin, greet, receive } = openFraming();
    const { heard } = begin();
    greet();
    receive(reset(1, 11));
    expect(heard.end).toMatchObject({ error: { code: Code.ResourceExhausted }, unsent: false });
  });
});

describe("a connection that is closed", () => {
  it("says goodbye at once when it has no calls, else behind the last", async () => {
    const idle = openFraming();
    idle.connection.close();
    expect(idle.fate).toMatchObject({ ended: true, error: undefined });
    const busy = openFraming();
    const { heard } = busy.begin();
    busy.greet();
    busy.connection.close();
    expect([busy.connection.accepts, busy.fate.ended]).toEqual([false, false]);
    busy.receive(answer(1));
    expect(heard.end).toBe("answered");
    expect(busy.fate.ended).toBe(true);
    expect((await busy.frames()).at(-1)?.type).toBe(frameType.goaway);
  });

  it("ends with the last call that is canceled, too", () => {
    const { begin, connection, fate } = openFraming();
    const { cancel } = begin();
    connection.close();
    cancel();
    expect(fate.ended).toBe(true);
  });
});

describe("a connection that is lost", () => {
  it("fails its calls, of which some were never sent", async () => {
    const { begin, connection, carrier, frames, fate, receive } = openFraming();
    const sent = begin();
    carrier.stuck = true;
    await frames();
    const unsent = begin();
    connection.lost(new Error("gone"));
    connection.lost(new Error("twice"));
    expect(sent.heard.end).toMatchObject({
      error: { rawMessage: "gone", code: Code.Unavailable },
      unsent: false,
    });
    expect(unsent.heard.end).toMatchObject({ error: { code: Code.Unavailable }, unsent: true });
    receive(rawFrame(frameType.settings, 0, 0));
    expect(fate).toMatchObject({ released: 2, granted: 0 });
    unsent.cancel();
    expect(fate.released).toBe(2);
  });

  it("tells each call once, even if one that hears of it cancels the others", () => {
    const { connection, begin, fate, greet, receive } = openFraming();
    const calls = [begin(), begin(), begin()];
    calls[0]!.onEnd = () => {
      for (const { cancel } of calls) cancel();
    };
    greet();
    receive(goaway(0));
    expect(calls.map(({ heard }) => heard.end !== undefined)).toEqual([true, false, false]);
    expect(fate).toMatchObject({ released: 3, ended: true });
    expect(connection.active).toBe(0);
  });

  it("has said goodbye to a server that broke the protocol without sending it any more calls", async () => {
    const { begin, carrier, frames, receive } = openFraming();
    carrier.stuck = true;
    await frames();
    const { heard } = begin();
    receive(rawFrame(frameType.ping, 0, 0, Buffer.alloc(8)));
    expect(heard.end).toMatchObject({ unsent: true });
    carrier.release();
    expect((await frames()).filter(({ stream }) => stream > 0)).toEqual([]);
  });
});
