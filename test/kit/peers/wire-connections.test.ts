import { once } from "node:events";
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { Code } from "@connectrpc/connect";
import { describe, expect, it, onTestFinished } from "vitest";
import { AgentsService } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import { isLost, isUnsent } from "../../../services/kit/peers/failures.js";
import { departureOf } from "../../../services/kit/peers/wire-call.js";
import { http2ClientNames } from "../../../services/kit/peers/wire-pool.js";
import type { WireReply } from "../../../services/kit/peers/wire-unary.js";
import { eventually } from "../../support/until.js";
import { expectRefusal } from "../chain/calls.js";
import { answerWith, clientsOf, scriptedServer } from "./scripted-server.js";

const { getAgent } = AgentsService.method;
const request = { id: "7" };

async function nameOf(answer: Promise<WireReply>): Promise<string> {
  const { message } = await answer;
  return (message as { agent?: { name: string } }).agent?.name ?? "";
}

/** Waits until a call has arrived, so that what happens next finds it under way. */
async function arrival(calls: readonly unknown[], count = 1): Promise<void> {
  await eventually(() => expect(calls.length).toBeGreaterThanOrEqual(count));
}

/** A way to a port that can be made deaf: open, and without an answer. */
async function brittleWay(to: string) {
  const sockets: Socket[] = [];
  let connections = 0;
  const server = createServer((incoming) => {
    connections += 1;
    const outgoing = connectTcp(Number(new URL(to).port), "127.0.0.1");
    for (const socket of [incoming, outgoing]) socket.on("error", () => undefined);
    incoming.pipe(outgoing).pipe(incoming);
    incoming.once("close", () => outgoing.destroy());
    sockets.push(incoming, outgoing);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => connections,
    goDeaf() {
      for (const socket of sockets.splice(0)) socket.unpipe().pause();
    },
  };
}

describe.each(http2ClientNames)("with the %s client,", (client) => {
  const clientOf = clientsOf(client);

  describe("a server that says goodbye", () => {
    it("answers what it has, and the next call takes a new connection", async () => {
      const { url, sessions, calls } = await scriptedServer((stream, { earlier }) => {
        if (earlier > 0) answerWith(stream, "later");
        else setImmediate(() => answerWith(stream, "before"));
      });
      const { call } = clientOf(url);
      const before = nameOf(call(getAgent, request, {}));
      await arrival(calls);
      sessions[0]?.goaway();
      const later = nameOf(call(getAgent, request, {}));
      expect(await Promise.all([before, later])).toEqual(["before", "later"]);
      await nameOf(call(getAgent, request, {}));
      expect(sessions).toHaveLength(2);
    });

    it("before it took a call is asked again on a new connection, whatever the call does", async () => {
      const { url, sessions, calls } = await scriptedServer((stream, { session, earlier }) => {
        // Code NO_ERROR, and the first stream as the last that was taken.
        if (earlier === 1) session.goaway(0, 1);
        else answerWith(stream, `answer ${earlier}`);
      });
      const { call } = clientOf(url);
      expect(await nameOf(call(getAgent, request, {}))).toBe("answer 0");
      expect(await nameOf(call(getAgent, request, {}))).toBe("answer 2");
      expect([sessions.length, calls.length]).toEqual([2, 3]);
    });

    it("and cuts the connection has lost the call, which is not asked again", async () => {
      const { url, calls } = await scriptedServer((_, { session, cut }) => {
        session.goaway();
        setImmediate(cut);
      });
      const failure = await clientOf(url)
        .call(getAgent, request, {})
        .catch((error: unknown) => error);
      expect([isLost(failure), isUnsent(failure)]).toEqual([true, false]);
      expect(calls).toHaveLength(1);
    });
  });

  describe("a call whose", () => {
    it("stream is refused is begun anew on the spot", async () => {
      const { url, calls } = await scriptedServer((stream, { earlier }) =>
        earlier < 2 ? stream.close(7) : answerWith(stream, "third"),
      );
      expect(await nameOf(clientOf(url).call(getAgent, request, {}))).toBe("third");
      expect(calls).toHaveLength(3);
    });

    it("stream is refused again and again may go to another replica", async () => {
      const { url, calls } = await scriptedServer((stream) => stream.close(7));
      const failure = await clientOf(url)
        .call(getAgent, request, {})
        .catch((error: unknown) => error);
      expect(isUnsent(failure)).toBe(true);
      expect(calls).toHaveLength(3);
    });

    it("connection is cut is lost, and the next takes a new connection", async () => {
      const { url, calls, sessions } = await scriptedServer((stream, { cut, earlier }) =>
        earlier === 0 ? cut() : answerWith(stream, "next"),
      );
      const { call } = clientOf(url);
      const failure = await call(getAgent, request, {}).catch((error: unknown) => error);
      expect([isLost(failure), isUnsent(failure)]).toEqual([true, false]);
      expect(await nameOf(call(getAgent, request, {}))).toBe("next");
      expect([calls.length, sessions.length]).toEqual([2, 2]);
    });

    it("answer breaks off with its connection is lost", async () => {
      const { url } = await scriptedServer((stream, { cut }) => {
        stream.respond({ ":status": 200, "content-type": "application/grpc" });
        stream.write(Buffer.from([0, 0, 0, 0, 9, 1]), cut);
      });
      const failure = await clientOf(url)
        .call(getAgent, request, {})
        .catch((error: unknown) => error);
      expect(isLost(failure)).toBe(true);
    });

    it("server is not there cannot have arrived", async () => {
      const failure = await clientOf("http://127.0.0.1:1")
        .call(getAgent, request, {})
        .catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: Code.Unavailable });
      expect(isUnsent(failure)).toBe(true);
    });

    it("server never completes a handshake fails within the limit", async () => {
      const mute = createServer().listen(0, "127.0.0.1");
      await once(mute, "listening");
      onTestFinished(() => void mute.close());
      const url = `https://127.0.0.1:${(mute.address() as AddressInfo).port}`;
      const answer = nameOf(clientOf(url, { connectMs: 30 }).call(getAgent, request, {}));
      await expect(answer).rejects.toMatchObject({ code: Code.Unavailable });
    });
  });

  describe("a connection that is half open", () => {
    const impatient = { pingIntervalMs: 40, pingTimeoutMs: 100 };

    it("fails its calls once a ping is not answered, and is not used again", async () => {
      const { url, calls } = await scriptedServer((stream, { earlier }) => {
        if (earlier > 0) answerWith(stream, "new");
      });
      const way = await brittleWay(url);
      const { call } = clientOf(way.url, impatient);
      const hanging = call(getAgent, request, {}).catch((error: unknown) => error);
      await arrival(calls);
      way.goDeaf();
      expect(isLost(await hanging)).toBe(true);
      expect(await nameOf(call(getAgent, request, {}))).toBe("new");
    });

    it("is found out before a call is entrusted to it", async () => {
      const { url, calls } = await scriptedServer((stream) => answerWith(stream, "ada"));
      const way = await brittleWay(url);
      const { call } = clientOf(way.url, impatient);
      await call(getAgent, request, {});
      way.goDeaf();
      await new Promise((resolve) => setTimeout(resolve, 2 * impatient.pingIntervalMs));
      expect(await nameOf(call(getAgent, request, {}))).toBe("ada");
      expect([calls.length, way.connections()]).toEqual([2, 2]);
    });

    it("is told from one that is slow, whose calls go on", async () => {
      const { url, calls } = await scriptedServer((stream) => {
        setTimeout(
          () => answerWith(stream, "slow"),
          3 * (impatient.pingIntervalMs + impatient.pingTimeoutMs),
        );
      });
      expect(await nameOf(clientOf(url, impatient).call(getAgent, request, {}))).toBe("slow");
      expect(calls).toHaveLength(1);
    });
  });

  describe("whoever does not wait any more", () => {
    it("because of the deadline is told so at once, and so is the server", async () => {
      const { url, calls } = await scriptedServer((stream) => {
        stream.once("close", () => closed(stream.rstCode));
      });
      let closed: (rstCode: number) => void = () => undefined;
      const heard = new Promise((resolve) => {
        closed = resolve;
      });
      const answer = nameOf(clientOf(url).call(getAgent, request, { timeoutMs: 30 }));
      await expect(answer).rejects.toMatchObject({ code: Code.DeadlineExceeded });
      expect([await heard, calls.length]).toEqual([8, 1]);
    });

    it("of its own will is told why, and the server hears of it", async () => {
      const caller = new AbortController();
      const { url } = await scriptedServer((stream) => {
        stream.once("close", () => closed(stream.rstCode));
        caller.abort(new Error("gone"));
      });
      let closed: (rstCode: number) => void = () => undefined;
      const heard = new Promise((resolve) => {
        closed = resolve;
      });
      const answer = nameOf(clientOf(url).call(getAgent, request, { departure: departureOf(caller.signal) }));
      await expect(answer).rejects.toMatchObject({ code: Code.Canceled, rawMessage: "gone" });
      expect(await heard).toBe(8);
    });

    it("never asks at all", async () => {
      const { url, calls } = await scriptedServer((stream) => answerWith(stream, "ada"));
      const { call } = clientOf(url);
      const answer = nameOf(call(getAgent, request, { departure: departureOf(AbortSignal.abort()) }));
      await expect(answer).rejects.toMatchObject({ code: Code.Canceled });
      await call(getAgent, request, {});
      expect(calls).toHaveLength(1);
    });

    it("leaves the queue too", async () => {
      const { url, calls } = await scriptedServer(() => undefined, { maxConcurrentStreams: 1 });
      const { call } = clientOf(url, { sessions: 1, queued: 1 });
      void call(getAgent, request, {}).catch(() => undefined);
      await arrival(calls);
      const late = nameOf(call(getAgent, request, { timeoutMs: 20 }));
      await expect(late).rejects.toMatchObject({ code: Code.DeadlineExceeded });
      const caller = new AbortController();
      const next = nameOf(call(getAgent, request, { departure: departureOf(caller.signal) }));
      caller.abort();
      await expect(next).rejects.toMatchObject({ code: Code.Canceled });
      expect(calls).toHaveLength(1);
    });
  });

  describe("many calls", () => {
    it("share connections as the server allows, and wait for the rest", async () => {
      let open = 0;
      let most = 0;
      const { url, sessions } = await scriptedServer(
        (stream) => {
          open += 1;
          most = Math.max(most, open);
          setTimeout(() => {
            open -= 1;
            answerWith(stream, "ada");
          }, 5);
        },
        { maxConcurrentStreams: 3 },
      );
      const { call } = clientOf(url, { sessions: 2 });
      // The server's settings come with its first answer.
      await call(getAgent, request, {});
      const names = Array.from({ length: 30 }, () => nameOf(call(getAgent, request, {})));
      expect(new Set(await Promise.all(names))).toEqual(new Set(["ada"]));
      expect([sessions.length, most]).toEqual([2, 6]);
    });

    it("more than may wait are refused", async () => {
      const { url, calls } = await scriptedServer(() => undefined, { maxConcurrentStreams: 1 });
      const { call } = clientOf(url, { sessions: 1, queued: 2 });
      const under = [call(getAgent, request, {})];
      await arrival(calls);
      under.push(call(getAgent, request, {}), call(getAgent, request, {}));
      for (const one of under) one.catch(() => undefined);
      await expectRefusal(call(getAgent, request, {}), Code.Unavailable, "OVERLOADED");
    });

    it("fail when the pool is closed while its connection is made, however far that is", async () => {
      const { url } = await scriptedServer((stream) => answerWith(stream, "ada"));
      for (let turns = 0; turns < 12; turns += 1) {
        const { call, pool } = clientOf(url);
        const answer = nameOf(call(getAgent, request, {})).catch(({ code }) => code);
        for (let i = 0; i < turns; i += 1) await turn();
        pool.close();
        expect(["ada", Code.Unavailable]).toContain(await answer);
      }
    });

    it("are refused when the pool is closed while they wait", async () => {
      let finish = () => {};
      const { url, calls } = await scriptedServer(
        (stream, { earlier }) => {
          finish = () => answerWith(stream, "ada");
          if (earlier === 0) finish();
        },
        { maxConcurrentStreams: 1 },
      );
      const { call, pool } = clientOf(url, { sessions: 1 });
      await call(getAgent, request, {});
      const under = nameOf(call(getAgent, request, {}));
      await arrival(calls, 2);
      const waiting = nameOf(call(getAgent, request, {}));
      pool.close();
      finish();
      await expect(waiting).rejects.toMatchObject({ code: Code.Unavailable });
      expect(await under).toBe("ada");
    });
  });
});
