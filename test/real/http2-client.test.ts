import { randomBytes } from "node:crypto";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Departure, exchange, type WireRequest } from "../../services/kit/peers/wire-call.js";
import {
  createWirePool,
  defaultPoolLimits,
  http2Clients,
  type WirePool,
} from "../../services/kit/peers/wire-pool.js";
import { messageOf } from "../../services/kit/peers/wire-reply.js";
import {
  type EchoOptions,
  type EchoServer,
  startEnvoyEcho,
  startGoEcho,
  startGrpcJsEcho,
  startNodeEcho,
  startSecureEcho,
} from "./servers/echo.js";
import { installed } from "./servers/server.js";

const megabyte = 1_048_576;
/** For a machine that has to download and build a server first. */
const installMs = 600_000;
const maxBytes = 4 * megabyte;

/** Servers, and how long a connection lives with each so that it is sent away amid calls. */
const servers: readonly (readonly [
  name: string,
  start: (options: EchoOptions) => Promise<EchoServer>,
  needsGo: boolean,
])[] = [
  ["node:http2", startNodeEcho, false],
  ["node:http2 over TLS", startSecureEcho, false],
  ["grpc-js", startGrpcJsEcho, false],
  ["Go's gRPC", startGoEcho, true],
  // Envoy counts requests rather than time.
  [
    "Envoy",
    ({ connectionAgeMs }) => startEnvoyEcho(connectionAgeMs === undefined ? {} : { requests: 700 }),
    true,
  ],
];

const goInstalled = installed("go");

function framed(message: Uint8Array): Buffer {
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  return frame;
}

function poolTo({ url, ca }: EchoServer, connect = http2Clients.own): WirePool {
  return createWirePool({
    origin: url,
    limits: { ...defaultPoolLimits, queued: 20_000 },
    connect,
    secure: ca === undefined ? undefined : { ca },
  });
}

function callOf(pool: WirePool) {
  return async (
    message: Uint8Array,
    more: Partial<WireRequest> & { method?: string; given?: string } = {},
  ) => {
    const { method = "Echo", given = "1", ...others } = more;
    const reply = await exchange(pool, {
      headers: {
        ":method": "POST",
        ":path": `/echo.Echo/${method}`,
        te: "trailers",
        "content-type": "application/grpc",
        "x-given": given,
      },
      frame: framed(message),
      departure: undefined,
      timeoutMs: undefined,
      maxBytes,
      ...others,
    });
    const body = Buffer.from(await messageOf(reply, maxBytes));
    return { body, given: reply.trailer["x-given"] };
  };
}

/** Runs a number of calls, some at a time; returns how many came back as they went. */
async function many(
  count: number,
  atOnce: number,
  call: (index: number) => Promise<boolean>,
): Promise<number> {
  let next = 0;
  let right = 0;
  const caller = async () => {
    while (next < count) {
      const index = next;
      next += 1;
      if (await call(index)) right += 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, caller));
  return right;
}

const octets = randomBytes(megabyte);

describe.each(servers)("our own HTTP/2 client before %s", (_, start, needsGo) => {
  describe.skipIf(needsGo && !goInstalled)("a server of one connection", () => {
    let server: EchoServer;
    let pool: WirePool;
    let call: ReturnType<typeof callOf>;

    beforeAll(async () => {
      server = await start({});
      pool = poolTo(server);
      call = callOf(pool);
    }, installMs);

    afterAll(async () => {
      pool?.close();
      await server?.stop();
    });

    it("has messages of all sizes back, with headers of its own", async () => {
      const right = await many(400, 100, async (index) => {
        const message = octets.subarray(index, index + ((index * 7919) % 65_536));
        const { body, given } = await call(message, { given: `${index % 13}` });
        return body.equals(message) && given === `${index % 13}`;
      });
      expect(right).toBe(400);
    });

    it("has large messages back, many at once, through every window", async () => {
      const right = await many(64, 16, async () => (await call(octets)).body.equals(octets));
      expect(right).toBe(64);
    });

    it("may send much for little in return", async () => {
      const right = await many(200, 16, async () => {
        const failure = await call(octets, { method: "Fail" }).catch((error: unknown) => error);
        return failure instanceof ConnectError && failure.code === Code.FailedPrecondition;
      });
      expect(right).toBe(200);
    });

    it("hears errors", async () => {
      const failure = call(octets.subarray(0, 10), { method: "Fail" });
      await expect(failure).rejects.toMatchObject({
        code: Code.FailedPrecondition,
        rawMessage: "as asked: ä",
      });
    });

    it("gives up at deadlines and at will, amid uploads too, and goes on", async () => {
      const outcomes = await Promise.allSettled(
        Array.from({ length: 300 }, (__, index) => {
          const message = octets.subarray(0, index % 3 === 0 ? megabyte : 10);
          return index % 2 === 0
            ? call(message, { method: "Sleep", timeoutMs: 30 })
            : call(message, { method: "Sleep", departure: leaving(5 + (index % 20)) });
        }),
      );
      const codes = outcomes.map((outcome) => outcome.status === "rejected" && Code[outcome.reason.code]);
      expect(new Set(codes)).toEqual(new Set(["DeadlineExceeded", "Canceled"]));
      expect((await call(octets)).body.equals(octets)).toBe(true);
      expect(pool.pick()?.active).toBe(0);
    });

    it("makes 10,000 calls and more octets than any window without leaving anything behind", async () => {
      const message = octets.subarray(0, 5_000);
      expect(await many(10_000, 100, async () => (await call(message)).body.equals(message))).toBe(10_000);
      expect(pool.pick()?.active).toBe(0);
    });
  });

  it.skipIf(needsGo && !goInstalled)("loses no call when connections are sent away amid them", async () => {
    const server = await start({ connectionAgeMs: 50 });
    let connections = 0;
    const pool = poolTo(server, (...how) => {
      connections += 1;
      return http2Clients.own(...how);
    });
    try {
      const call = callOf(pool);
      const message = octets.subarray(0, 2_000);
      expect(await many(10_000, 50, async () => (await call(message)).body.equals(message))).toBe(10_000);
      expect(connections).toBeGreaterThan(2);
    } finally {
      pool.close();
      await server.stop();
    }
  });
});

/** Somebody who leaves after a while. */
function leaving(milliseconds: number): Departure {
  return {
    left: () => undefined,
    watch(leave) {
      const timer = setTimeout(() => leave(new ConnectError("gone", Code.Canceled)), milliseconds);
      return () => clearTimeout(timer);
    },
  };
}
