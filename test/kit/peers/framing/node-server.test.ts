import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectFraming } from "../../../../services/kit/peers/framing/connect.js";
import type { WireConnection } from "../../../../services/kit/peers/wire-connection.js";
import { defaultPoolLimits } from "../../../../services/kit/peers/wire-pool.js";
import type { ReplyHeaders } from "../../../../services/kit/peers/wire-reply.js";

const name = fc.stringMatching(/^x-[a-z0-9-]{1,20}$/).filter((text) => !text.endsWith("-"));
const value = fc.oneof(
  fc.constantFrom("one", "two"),
  fc.stringMatching(/^[!-~]([ -~]{0,60}[!-~])?$/),
  fc.stringMatching(/^[!-~\xa0-\xff]([ -~\xa0-\xff]{0,60}[!-~\xa0-\xff])?$/),
);
const fields = fc.dictionary(name, value, { maxKeys: 6 });

interface Exchange {
  readonly headers: ReplyHeaders;
  readonly trailers: ReplyHeaders;
  readonly body: Buffer;
}

describe("node:http2 on the other side", () => {
  const server = createServer({ settings: { maxConcurrentStreams: 100 } });
  let connection: WireConnection;
  let session: ServerHttp2Session;
  let seen: IncomingHttpHeaders = {};
  let reply: Record<string, string> = {};

  beforeAll(async () => {
    server.on("session", (opened) => {
      session = opened;
    });
    server.on("stream", (stream, headers) => {
      const body: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => body.push(chunk));
      stream.on("end", () => {
        seen = headers;
        stream.respond({ ":status": 200, ...reply }, { waitForTrailers: true });
        stream.on("wantTrailers", () => stream.sendTrailers({ "x-status": "0", ...reply }));
        stream.end(Buffer.concat(body));
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    await new Promise<void>((resolve) => {
      const ignore = () => undefined;
      connection = connectFraming(`http://127.0.0.1:${port}`, {
        limits: defaultPoolLimits,
        owner: {
          onConnected: resolve,
          onHeard: ignore,
          onGranted: ignore,
          onReleased: ignore,
          onFree: ignore,
          onLeaving: ignore,
          onClosed: ignore,
        },
      });
    });
  });

  afterAll(() => {
    connection.close();
    server.close();
  });

  function exchange(headers: Record<string, string>, body: Buffer): Promise<Exchange> {
    return new Promise((resolve, reject) => {
      let [got, end]: ReplyHeaders[] = [];
      const chunks: Buffer[] = [];
      connection.begin({ ":method": "POST", ":path": "/", ...headers }, body, {
        onHeaders: (given) => {
          got = given;
        },
        onData: (chunk) => void chunks.push(Buffer.from(chunk)),
        onTrailers: (given) => {
          end = given;
        },
        onEnd: () => resolve({ headers: got ?? {}, trailers: end ?? {}, body: Buffer.concat(chunks) }),
        onError: reject,
      });
    });
  }

  it("reads our headers as we meant them, and we its own", async () => {
    await fc.assert(
      fc.asyncProperty(fields, fields, async (ours, theirs) => {
        reply = theirs;
        const { headers, trailers } = await exchange(ours, Buffer.from("body"));
        expect(seen).toMatchObject(ours);
        expect({ ...headers }).toMatchObject({ ":status": 200, ...theirs });
        expect({ ...trailers }).toEqual({ "x-status": "0", ...theirs });
      }),
      { numRuns: 50 },
    );
  });

  it("may change the size of its table at any time", async () => {
    reply = {};
    for (const headerTableSize of [0, 4096, 100, 1337, 10_000, 0, 60]) {
      session.settings({ headerTableSize });
      for (let i = 0; i < 4; i += 1)
        await exchange({ "x-one": "1", "x-two": `${i % 2}` }, Buffer.from("body"));
      expect(seen).toMatchObject({ "x-one": "1", "x-two": "1" });
    }
  });

  it("gives large messages back, many at once", async () => {
    const bodies = Array.from({ length: 3 }, (_, i) => Buffer.alloc(1_048_576, i));
    const answers = await Promise.all(bodies.map((body) => exchange({}, body)));
    for (const [index, { body }] of answers.entries()) expect(body.equals(bodies[index]!)).toBe(true);
  });

  it("answers a ping", async () => {
    await new Promise<void>((resolve) => connection.ping(resolve));
  });
});
