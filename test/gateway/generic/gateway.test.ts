import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { type GenericArguments, genericArguments } from "../../../services/gateway/generic/arguments.js";
import { startGeneric } from "../../../services/gateway/generic/gateway.js";
import { recordedLog } from "../../kit/chain/calls.js";
import { until } from "../../support/until.js";
import { connectUpstream, files, grpcUpstream, type Upstream } from "./upstreams.js";

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const directory = mkdtempSync(join(tmpdir(), "generic-"));
const descriptors = join(directory, "image.binpb");
writeFileSync(
  descriptors,
  toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file: files })),
);
afterAll(() => rmSync(directory, { recursive: true }));

async function gatewayBefore(upstream: Upstream, more: Partial<GenericArguments> = {}) {
  closers.push(upstream.stop);
  const { log, lines } = recordedLog();
  const args = genericArguments(["--upstream", upstream.url, "--descriptors", descriptors, "--port", "0"]);
  const gateway = await startGeneric({ ...args, ...more }, { log });
  closers.push(() => gateway.stop(0));
  const url = `http://127.0.0.1:${gateway.port}`;
  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(url + path, init);
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: parsed(text) };
  };
  return { ...gateway, upstream, lines, ask };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const failure = {
  type: "about:blank",
  title: "Shelf full",
  status: 409,
  detail: "the shelf is füll: %41",
  code: "ALREADY_EXISTS",
  reason: "SHELF_FULL",
  request_id: "r-1",
  details: [
    {
      "@type": "type.googleapis.com/google.rpc.ErrorInfo",
      reason: "SHELF_FULL",
      domain: "shelves.example",
      metadata: { size: "7" },
    },
    { "@type": "type.googleapis.com/fixture.v1.Shelf", name: "s", size: "9007199254740993" },
    { "@type": "type.googleapis.com/unknown.v1.Thing", value: "CAE=" },
  ],
};

const upstreams = [
  ["gRPC, grpc-js", "grpc", () => grpcUpstream(), "node"],
  ["gRPC, grpc-js, by our own HTTP/2 client", "grpc", () => grpcUpstream(), "own"],
  ["gRPC, Connect for Node", "grpc", () => connectUpstream("2"), "node"],
  ["gRPC, Connect for Node, by our own HTTP/2 client", "grpc", () => connectUpstream("2"), "own"],
  ["Connect over HTTP/1.1", "connect", () => connectUpstream("1.1"), "node"],
] as const;

describe.each(upstreams)(
  "a contract it has never seen, before an upstream of %s",
  (_, protocol, start, http2Client) => {
    const gateway = async () => gatewayBefore(await start(), { protocol, http2Client });

    it("is served with the client's headers and the upstream's header and trailer", async () => {
      const { ask, upstream } = await gateway();
      const answer = await ask("/v1/text/a%2Fb?flag=true", {
        headers: {
          authorization: "Bearer theirs",
          "x-custom": "1",
          "x-request-id": "r-1",
          "x-custom-bin": "AQI=",
        },
      });
      expect([answer.status, answer.json]).toMatchObject([200, { text: "a/b", flag: true }]);
      expect(Object.fromEntries(answer.headers)).toMatchObject({
        "x-up": "header",
        "x-up-bin": "AAE=",
        "x-up-trailer": "trailer",
        "x-request-id": "r-1",
      });
      expect(Object.fromEntries(upstream.headers[0] ?? [])).toMatchObject({
        authorization: "Bearer theirs",
        "x-custom": "1",
        "x-request-id": "r-1",
      });
    });

    it("has the upstream's error with message, details and metadata", async () => {
      const { ask } = await gateway();
      const answer = await ask("/v1/text/fail", { headers: { "x-request-id": "r-1" } });
      expect([answer.status, answer.json]).toEqual([409, failure]);
      expect(answer.headers.get("x-why")).toBe("because");
      expect(answer.headers.get("grpc-status")).toBeNull();
    });

    it("streams, and its errors behind the first message stay in the stream", async () => {
      const { ask } = await gateway();
      const headers = { "x-request-id": "r-1" };
      const lines = (text: string) => text.trimEnd().split("\n").map(parsed);
      const whole = await ask("/v1/watch?text=a", { headers });
      expect(whole.headers.get("x-up")).toBe("header");
      expect(lines(whole.text)).toMatchObject([{ text: "a" }, { text: "second" }]);
      expect(lines((await ask("/v1/watch?text=late", { headers })).text)).toMatchObject([
        { text: "late" },
        { error: failure },
      ]);
      const early = await ask("/v1/watch?text=fail", { headers });
      expect([early.status, early.json]).toEqual([409, failure]);
      const events = await ask("/v1/watch?text=late", {
        headers: { ...headers, accept: "text/event-stream" },
      });
      expect(events.text).toMatch(/^event: message\ndata: \{.*\}\n\nevent: error\ndata: \{.*\}\n\n$/);
    });

    it("takes uploads in lines and in bytes, and sends bytes", async () => {
      const { ask } = await gateway();
      const lines = await ask("/v1/import", { method: "POST", body: '{"text":"a"}\n{"text":"b"}\n' });
      expect(lines.status).toBe(415);
      const typed = { "content-type": "application/x-ndjson" };
      const sent = await ask("/v1/import", {
        method: "POST",
        headers: typed,
        body: '{"text":"a"}\n{"text":"b"}\n',
      });
      expect(sent.json).toMatchObject({ text: "a,b", small: 2 });
      const broken = await ask("/v1/import", { method: "POST", headers: typed, body: '{"text":"a"}\n{]\n' });
      expect(broken.json).toMatchObject({ status: 400, reason: "BODY_MALFORMED" });
      const file = await ask("/v1/import-file/photo", { method: "POST", body: new Uint8Array(300_000) });
      expect(file.json).toMatchObject({ name: "photo 300000" });
      const exported = await ask("/v1/export/x");
      expect([exported.headers.get("content-type"), exported.text]).toEqual(["text/csv", "a,b\n"]);
    });

    it("hears when a client goes away", async () => {
      const { port, upstream } = await gateway();
      const socket = connect(port, "127.0.0.1");
      socket.write("GET /v1/watch?text=forever HTTP/1.1\r\nhost: h\r\n\r\n");
      await once(socket, "data");
      socket.destroy();
      await until(() => upstream.ended.length === 1);
    });

    it("hears how long the client waits, which is kept", async () => {
      const { ask, upstream } = await gateway();
      const answer = await ask("/v1/hang", { headers: { "x-timeout-ms": "150" } });
      expect(answer.json).toMatchObject({ status: 504, code: "DEADLINE_EXCEEDED" });
      const { headers } = upstream;
      const told = headers[0]?.get("grpc-timeout") ?? headers[0]?.get("connect-timeout-ms") ?? "150";
      expect(Number.parseInt(told, 10)).toBe(150);
    });

    it("is 503 when the upstream does not answer, without a word about its address", async () => {
      const { ask, upstream, lines } = await gateway();
      await upstream.stop();
      const answer = await ask("/v1/text/a");
      expect(answer.json).toMatchObject({
        status: 503,
        reason: "DEPENDENCY_UNAVAILABLE",
        detail: "The upstream does not answer.",
      });
      expect(answer.text).not.toContain("127.0.0.1");
      const warnings = lines.filter(({ message }) => message === "the upstream does not answer");
      expect(warnings).toHaveLength(1);
    });
  },
);

describe("a contract by reflection", () => {
  it.each(["v1", "v1alpha"] as const)("%s is the upstream's own", async (version) => {
    const { ask, routes } = await gatewayBefore(await connectUpstream("2", version), {
      descriptors: { from: "reflection" },
    });
    expect(routes).toBeGreaterThan(30);
    expect((await ask("/v1/text/a")).json).toMatchObject({ text: "a" });
    expect((await ask("/v1/text/fail", { headers: { "x-request-id": "r-1" } })).json).toEqual(failure);
  });

  it("is refused where reflection leaves the annotations out", async () => {
    const gateway = gatewayBefore(await grpcUpstream(), { descriptors: { from: "reflection" } });
    await expect(gateway).rejects.toThrow("no method of the contract has a google.api.http annotation");
  });

  it("is refused where there is none", async () => {
    const gateway = gatewayBefore(await connectUpstream("2"), { descriptors: { from: "reflection" } });
    await expect(gateway).rejects.toThrow(/^the upstream does not offer reflection: /);
  });

  it("is refused where nobody listens", async () => {
    const upstream = await connectUpstream("2");
    await upstream.stop();
    const gateway = gatewayBefore(upstream, { descriptors: { from: "reflection" } });
    await expect(gateway).rejects.toThrow(/^the upstream does not answer reflection: /);
  });
});

describe("the gateway itself", () => {
  it("says that it lives", async () => {
    const { ask } = await gatewayBefore(await connectUpstream("2"));
    expect(await ask("/livez")).toMatchObject({ status: 200, json: { status: "ok" } });
    expect(await ask("/livez", { method: "HEAD" })).toMatchObject({ status: 200, text: "" });
    expect((await ask("/livez", { method: "POST" })).json).toMatchObject({ reason: "ROUTE_NOT_FOUND" });
  });

  it("refuses what is no route, and what no upstream need see", async () => {
    const { ask, upstream } = await gatewayBefore(await connectUpstream("2"));
    expect((await ask("/nowhere")).json).toMatchObject({ status: 404, reason: "ROUTE_NOT_FOUND" });
    expect((await ask("/v1/everything?nope=1")).json).toMatchObject({ reason: "FIELD_UNKNOWN" });
    expect((await ask("/v1/chat", { method: "POST" })).json).toMatchObject({ reason: "STREAM_UNSUPPORTED" });
    const large = await ask("/v1/everything", { method: "POST", body: "x".repeat(4 * 1024 * 1024 + 1) });
    expect(large.json).toMatchObject({ reason: "BODY_TOO_LARGE" });
    expect(upstream.headers).toEqual([]);
  });

  it("writes one line for each request", async () => {
    const { ask, lines } = await gatewayBefore(await connectUpstream("2"));
    await ask("/v1/text/a?flag=true", { headers: { "x-request-id": "r-1" } });
    await ask("/nowhere");
    const answered = () => lines.filter(({ message }) => message === "request answered");
    await until(() => answered().length === 2);
    expect(answered().map(({ metadata }) => metadata)).toMatchObject([
      {
        http_method: "GET",
        path: "/v1/text/a",
        method: "fixture.v1.Fixture/ByText",
        status: 200,
        request_id: "r-1",
      },
      { path: "/nowhere", status: 404, reason: "ROUTE_NOT_FOUND" },
    ]);
  });
});
