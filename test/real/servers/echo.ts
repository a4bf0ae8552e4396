import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createSecureServer, createServer, type Http2SecureServer, type Http2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import {
  Server as GrpcServer,
  Metadata,
  ServerCredentials,
  type ServerUnaryCall,
  type sendUnaryData,
} from "@grpc/grpc-js";
import { packageRoot } from "../../../services/kit/package-root.js";
import { peers } from "../../bench/gateway/install.js";
import { accepts } from "../../support/accepts.js";
import { selfSigned } from "../../support/certificate.js";
import { freePort } from "./server.js";

/** A gRPC server that sends messages back. `/echo.Echo/Sleep` does so after a minute, and `/echo.Echo/Fail` fails. */
export interface EchoServer {
  readonly url: string;
  /** Who vouches for it, PEM, where it speaks TLS. */
  readonly ca?: string;
  stop(): Promise<void>;
}

/** How long a connection lives before the server sends it away, in milliseconds; without it, for ever. */
export interface EchoOptions {
  readonly connectionAgeMs?: number;
}

/** Go's gRPC. Builds it with `go`. */
export async function startGoEcho({ connectionAgeMs }: EchoOptions = {}): Promise<EchoServer> {
  const folder = await mkdtemp(join(tmpdir(), "go-echo-"));
  await cp(join(packageRoot(), "test/real/servers/go-echo"), folder, { recursive: true });
  await promisify(execFile)("go", ["build", "-mod=mod", "-o", "server", "."], { cwd: folder });
  const age = connectionAgeMs === undefined ? [] : ["-age", `${connectionAgeMs}ms`];
  const child = spawn(join(folder, "server"), age, { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(createInterface(child.stdout), "line");
  return {
    url: `http://127.0.0.1:${String(line).split(" ")[1]}`,
    async stop() {
      await end(child);
      await rm(folder, { recursive: true });
    },
  };
}

/** Envoy before Go's gRPC. Sends connections away after as many requests as it is told. */
export async function startEnvoyEcho({
  requests = 1_000_000,
}: {
  readonly requests?: number;
} = {}): Promise<EchoServer> {
  const upstream = await startGoEcho();
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), "envoy-echo-"));
  const file = join(folder, "envoy.json");
  await writeFile(file, JSON.stringify(envoyBefore(Number(new URL(upstream.url).port), { port, requests })));
  const options = ["-c", file, "--concurrency", "1", "-l", "error", "--disable-hot-restart"];
  const child = spawn(join(await peers.envoy(), "envoy"), options, { stdio: "ignore" });
  await accepting(port);
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      await end(child);
      await upstream.stop();
      await rm(folder, { recursive: true });
    },
  };
}

/** grpc-js. */
export async function startGrpcJsEcho({ connectionAgeMs }: EchoOptions = {}): Promise<EchoServer> {
  const server = new GrpcServer({
    "grpc.max_receive_message_length": -1,
    ...(connectionAgeMs === undefined ? {} : { "grpc.max_connection_age_ms": connectionAgeMs }),
  });
  const same = (octets: Buffer) => octets;
  const method = (path: string, handle: (call: Unary, done: sendUnaryData<Buffer>) => void) => ({
    definition: {
      path,
      requestStream: false,
      responseStream: false,
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    },
    handle,
  });
  const methods = {
    Echo: method("/echo.Echo/Echo", ({ request, metadata }, done) => done(null, request, given(metadata))),
    Sleep: method(
      "/echo.Echo/Sleep",
      ({ request }, done) => void setTimeout(done, 60_000, null, request).unref(),
    ),
    Fail: method("/echo.Echo/Fail", (_, done) => done({ code: 9, details: "as asked: ä" })),
  };
  const definitions = Object.fromEntries(
    Object.entries(methods).map(([name, { definition }]) => [name, definition]),
  );
  const handlers = Object.fromEntries(Object.entries(methods).map(([name, { handle }]) => [name, handle]));
  server.addService(definitions, handlers);
  const port = await promisify(server.bindAsync.bind(server))(
    "127.0.0.1:0",
    ServerCredentials.createInsecure(),
  );
  return { url: `http://127.0.0.1:${port}`, stop: async () => server.forceShutdown() };
}

type Unary = ServerUnaryCall<Buffer, Buffer>;

function given(metadata: Metadata): Metadata {
  const trailer = new Metadata();
  trailer.set("x-given", metadata.get("x-given").join(","));
  return trailer;
}

/** node:http2 with as much of gRPC as an echo needs. */
export function startNodeEcho(options: EchoOptions = {}): Promise<EchoServer> {
  return echoBy(createServer(), options);
}

/** The same over TLS. */
export async function startSecureEcho(options: EchoOptions = {}): Promise<EchoServer> {
  const keys = await selfSigned();
  const { url, stop } = await echoBy(createSecureServer(keys), options);
  return { url: url.replace("http:", "https:"), ca: keys.cert, stop };
}

async function echoBy(
  server: Http2Server | Http2SecureServer,
  { connectionAgeMs }: EchoOptions,
): Promise<EchoServer> {
  const open = new Set<() => void>();
  server.on("session", (session) => {
    open.add(() => session.destroy());
    session.on("error", () => undefined);
    if (connectionAgeMs !== undefined) setTimeout(() => session.close(), connectionAgeMs).unref();
  });
  server.on("stream", (stream, headers) => {
    const chunks: Buffer[] = [];
    stream.on("error", () => undefined);
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      const path = String(headers[":path"]);
      if (path.endsWith("/Sleep")) return;
      const header = { ":status": 200, "content-type": "application/grpc" };
      if (path.endsWith("/Fail")) {
        stream.respond(
          { ...header, "grpc-status": "9", "grpc-message": "as asked: %C3%A4" },
          { endStream: true },
        );
        return;
      }
      stream.respond(header, { waitForTrailers: true });
      const trailer = { "grpc-status": "0", "x-given": headers["x-given"] ?? "" };
      stream.on("wantTrailers", () => stream.sendTrailers(trailer));
      stream.end(Buffer.concat(chunks));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      for (const cut of open) cut();
      server.close();
    },
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

async function accepting(port: number): Promise<void> {
  for (let attempt = 0; attempt < 400; attempt += 1) {
    if (await accepts(port)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("nobody listens");
}

const types = "type.googleapis.com/envoy.extensions";

function envoyBefore(
  upstream: number,
  { port, requests }: { readonly port: number; readonly requests: number },
) {
  const at = (portValue: number) => ({ socket_address: { address: "127.0.0.1", port_value: portValue } });
  const router = {
    name: "envoy.filters.http.router",
    typed_config: { "@type": `${types}.filters.http.router.v3.Router` },
  };
  const connections = {
    "@type": `${types}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: "echo",
    codec_type: "HTTP2",
    common_http_protocol_options: { max_requests_per_connection: requests },
    drain_timeout: "0.1s",
    route_config: {
      virtual_hosts: [
        {
          name: "all",
          domains: ["*"],
          routes: [{ match: { prefix: "/" }, route: { cluster: "upstream", timeout: "0s" } }],
        },
      ],
    },
    http_filters: [router],
  };
  return {
    static_resources: {
      listeners: [
        {
          address: at(port),
          filter_chains: [
            {
              filters: [{ name: "envoy.filters.network.http_connection_manager", typed_config: connections }],
            },
          ],
        },
      ],
      clusters: [
        {
          name: "upstream",
          type: "STATIC",
          circuit_breakers: { thresholds: [{ max_requests: 100_000, max_pending_requests: 100_000 }] },
          typed_extension_protocol_options: {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
              "@type": `${types}.upstreams.http.v3.HttpProtocolOptions`,
              explicit_http_config: { http2_protocol_options: {} },
            },
          },
          load_assignment: {
            cluster_name: "upstream",
            endpoints: [{ lb_endpoints: [{ endpoint: { address: at(upstream) } }] }],
          },
        },
      ],
    },
  };
}
