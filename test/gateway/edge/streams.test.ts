import { once } from "node:events";
import { request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from "node:http";
import { createBrotliDecompress, createGunzip } from "node:zlib";
import { create, type Message } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { createCoders } from "../../../services/gateway/edge/compress.js";
import { createOutgoing } from "../../../services/gateway/edge/outgoing.js";
import { messageOf, type ServeOptions, serve, streaming } from "../transcode/fixture.js";

const watched = (text: string): Message => create(messageOf("Everything"), { text } as never);
const decoders = { gzip: createGunzip, br: createBrotliDecompress };

/** The edge's answers before a transcoder whose stream gives what is pushed. */
async function edge(messages: AsyncIterable<Message>, options: Partial<ServeOptions> = {}) {
  const shape = createOutgoing({ decorate: () => undefined, always: () => [], compressFromBytes: 1024 });
  const before: ServeOptions["before"] = (request, response) => shape(request, response);
  return serve({ before, stream: async () => streaming(messages), ...options });
}

async function open(
  port: number,
  headers: OutgoingHttpHeaders,
  path = "/v1/watch",
): Promise<IncomingMessage> {
  const request = httpRequest({ port, path, headers }).end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return response;
}

/** Messages that come when the test says so. */
function source() {
  const queue: (Message | undefined)[] = [];
  let wake = () => {};
  async function* messages() {
    for (;;) {
      while (queue.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      const next = queue.shift();
      if (!next) return;
      yield next;
    }
  }
  const push = (text?: string) => {
    queue.push(text === undefined ? undefined : watched(text));
    wake();
  };
  return { messages: messages(), push };
}

describe("a stream", () => {
  it.each(["gzip", "br"] as const)("leaves message by message in %s", async (coding) => {
    const { messages, push } = source();
    const { port } = await edge(messages);
    push("first");
    const response = await open(port, { "accept-encoding": coding });
    expect(response.headers).toMatchObject({
      "content-encoding": coding,
      "content-type": "application/x-ndjson",
      "cache-control": "no-store",
      vary: "accept, accept-encoding",
    });
    const decoded = response.pipe(decoders[coding]()).setEncoding("utf8");
    for (const text of ["first", "second", "third"]) {
      if (text !== "first") push(text);
      const [line] = await once(decoded, "data");
      expect(line).toContain(`"text":"${text}"`);
    }
    push();
    await once(decoded, "end");
  });

  it("of events is compressed too, and one of raw bytes is not", async () => {
    const { messages, push } = source();
    const { port } = await edge(messages);
    push("first");
    const response = await open(port, { accept: "text/event-stream", "accept-encoding": "gzip" });
    expect(response.headers).toMatchObject({
      "content-encoding": "gzip",
      "content-type": "text/event-stream",
    });
    response.destroy();
    async function* raw() {
      yield create(messageOf("google.api.HttpBody"), {
        contentType: "image/png",
        data: new Uint8Array(9),
      } as never);
    }
    const files = await edge(raw());
    const file = await open(files.port, { "accept-encoding": "gzip" }, "/v1/export/a");
    expect(file.headers).not.toHaveProperty("content-encoding");
    expect(await file.toArray()).toEqual([Buffer.alloc(9)]);
  });

  it("is whole, at the pace of a slow reader", async () => {
    const text = "x".repeat(10_000);
    async function* many() {
      for (let index = 0; index < 500; index += 1) yield watched(`${index} ${Math.sin(index)} ${text}`);
    }
    const { port } = await edge(many());
    const response = await open(port, { "accept-encoding": "gzip" });
    response.pause();
    const decoded = response.pipe(createGunzip());
    const lines = Buffer.concat(await decoded.toArray())
      .toString()
      .trim()
      .split("\n");
    expect(lines).toHaveLength(500);
    expect(lines[499]).toContain('"text":"499 ');
  });

  it("that fails on its way tells so in its coding", async () => {
    async function* failing() {
      yield watched("first");
      throw new Error("broken");
    }
    const { port } = await edge(failing());
    const response = await open(port, { "accept-encoding": "gzip" });
    const text = Buffer.concat(await response.pipe(createGunzip()).toArray()).toString();
    expect(text.split("\n")[1]).toContain('"reason":"INTERNAL"');
  });

  it("lets its method go when the client does", async () => {
    let ended = false;
    async function* endless() {
      try {
        for (let index = 0; ; index += 1) {
          yield watched(`${index}`);
          await new Promise(setImmediate);
        }
      } finally {
        ended = true;
      }
    }
    const { port } = await edge(endless());
    const response = await open(port, { "accept-encoding": "br" });
    await once(response, "data");
    response.destroy();
    await expect.poll(() => ended).toBe(true);
  });
});

describe("the coders of a port", () => {
  const outlet = { write: () => true, end: () => undefined };
  const response = () => {
    const listeners = new Map<string, () => void>();
    const one = {
      on: (name: string, listen: () => void) => listeners.set(name, listen) && one,
      once: (name: string, listen: () => void) => listeners.set(name, listen) && one,
      off: () => one,
      emit: (name: string) => listeners.get(name)?.(),
    };
    return one as never as Parameters<ReturnType<typeof createCoders>["start"]>[1];
  };

  it("are bounded, and become free when an answer has left", () => {
    const coders = createCoders(2);
    const first = response();
    expect(coders.start("gzip", first, outlet)).toBeDefined();
    expect(coders.start("br", response(), outlet)).toBeDefined();
    expect(coders.start("gzip", response(), outlet)).toBeUndefined();
    first.emit("close");
    expect(coders.start("gzip", response(), outlet)).toBeDefined();
  });
});
