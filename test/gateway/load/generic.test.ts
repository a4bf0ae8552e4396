import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { createServer } from "node:http2";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, type Message, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { genericArguments } from "../../../services/gateway/generic/arguments.js";
import { type GenericGateway, startGeneric } from "../../../services/gateway/generic/gateway.js";
import { recordedLog } from "../../kit/chain/calls.js";
import { files } from "../generic/upstreams.js";
import { messageOf, serviceOf } from "../transcode/fixture.js";
import { peakMegabytes, settledMegabytes } from "./memory.js";

const uploadBytes = 50 * 1024 * 1024;
const clients = 1000;
const service = serviceOf("Fixture");
const directory = mkdtempSync(join(tmpdir(), "generic-load-"));
const streams = { begun: 0, ended: 0 };

const handlers = {
  async importFile(input: AsyncIterable<Message>) {
    let bytes = 0;
    for await (const message of input)
      bytes += (message as unknown as { file: { data: Uint8Array } }).file.data.length;
    return { name: `${bytes}` };
  },
  async *watch(_: Message, { signal }: HandlerContext) {
    streams.begun += 1;
    try {
      yield create(messageOf("Everything"), { text: "x".repeat(10_000) } as never);
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    } finally {
      streams.ended += 1;
    }
  },
};

const upstream = createServer(
  connectNodeAdapter({
    routes: (router) => void router.service(service, handlers as unknown as ServiceImpl<typeof service>),
  }),
);
let gateway: GenericGateway;

beforeAll(async () => {
  upstream.listen(0, "127.0.0.1");
  await once(upstream, "listening");
  const image = join(directory, "image.binpb");
  writeFileSync(image, toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file: files })));
  const url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  const args = genericArguments(["--descriptors", image, "--upstream", url, "--port", "0"]);
  gateway = await startGeneric(args, { log: recordedLog("silent").log });
});

afterAll(async () => {
  await gateway.stop(0);
  upstream.close();
  rmSync(directory, { recursive: true });
});

async function returns(run: () => Promise<void>): Promise<void> {
  await run();
  const before = await settledMegabytes();
  const highest = await peakMegabytes(run);
  expect((await settledMegabytes()) - before).toBeLessThan(5);
  expect(highest - before).toBeLessThan(150);
}

describe("before an upstream over gRPC, memory returns to where it was", () => {
  it("after an upload of 50 MB", async () => {
    await returns(async () => {
      const url = `http://127.0.0.1:${gateway.port}/v1/import-file/large`;
      const request = httpRequest(url, { method: "POST", headers: { connection: "close" } });
      const answered = once(request, "response");
      const chunk = Buffer.alloc(65_536);
      for (let sent = 0; sent < uploadBytes; sent += chunk.length) {
        if (!request.write(chunk)) await once(request, "drain");
      }
      request.end();
      const [response] = await answered;
      let text = "";
      for await (const data of response) text += data;
      expect(JSON.parse(text)).toMatchObject({ name: `${uploadBytes}` });
    });
  });

  it(`after ${clients} clients that vanish in mid-stream, which the upstream hears of`, async () => {
    await returns(async () => {
      Object.assign(streams, { begun: 0, ended: 0 });
      const sockets = Array.from({ length: clients }, () => connect(gateway.port, "127.0.0.1"));
      for (const socket of sockets) {
        socket.on("error", () => undefined).write("GET /v1/watch HTTP/1.1\r\nhost: h\r\n\r\n");
      }
      await vi.waitUntil(() => streams.begun === clients, { timeout: 60_000 });
      for (const socket of sockets) socket.destroy();
      await vi.waitUntil(() => streams.ended === clients, { timeout: 60_000 });
    });
  });
});
