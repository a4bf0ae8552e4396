import { join } from "node:path";
import { startEnvoy } from "./envoy.js";
import { peers } from "./install.js";
import { type Running, startNode, startProgram } from "./launch.js";
import type { Protocol } from "./load/requests.js";

/** Something that serves the review service. */
export interface Contestant {
  readonly name: string;
  readonly protocol: Protocol;
  /** The contestant to which its cost is put in proportion. */
  readonly baseline: string;
  /** Whose server it calls to answer, if it does not answer itself. */
  readonly upstream?: "grpc";
  /** Starts it; rejects where it cannot be had. */
  start(upstream: number): Promise<Running>;
}

export const rawHttp = "raw node:http JSON";
export const rawHttp2 = "raw node:http2 gRPC";
export const restInProcess = "REST in process, everything on";
export const restUpstream = "REST → gRPC upstream, generic gateway";
export const restUpstreamOwn = "REST → gRPC upstream, own HTTP/2 client";
export const grpcNative = "native gRPC, everything on";
export const connectJson = "Connect JSON, everything on";
export const goGateway = "Go grpc-gateway in process";
export const envoyUpstream = "Envoy transcoder → gRPC upstream";
export const grpcJs = "grpc-js";
export const connectNodeHttp1 = "connect-node, Connect JSON";
export const connectNodeHttp2 = "connect-node, gRPC";

const rest = { protocol: "rest", baseline: rawHttp } as const;
const connect = { protocol: "connect", baseline: rawHttp } as const;
const grpc = { protocol: "grpc", baseline: rawHttp2 } as const;
const onUpstream = { ...rest, upstream: "grpc" } as const;

const goServer = async (mode: string, ...options: string[]) =>
  startProgram([join(await peers.gateway(), "server"), "-mode", mode, ...options]);

/** Everybody who competes; raw Node first, as the others are told in proportion to it. */
export const contestants: readonly Contestant[] = [
  { name: rawHttp, ...rest, start: () => startNode("raw-http") },
  { name: rawHttp2, ...grpc, start: () => startNode("raw-http2") },
  { name: restInProcess, ...rest, start: () => startNode("platform") },
  { name: restUpstream, ...onUpstream, start: (port) => startNode("generic", String(port)) },
  { name: restUpstreamOwn, ...onUpstream, start: (port) => startNode("generic-own", String(port)) },
  { name: grpcNative, ...grpc, start: () => startNode("platform") },
  { name: connectJson, ...connect, start: () => startNode("platform") },
  { name: connectNodeHttp1, ...connect, start: () => startNode("connect-http1") },
  { name: connectNodeHttp2, ...grpc, start: () => startNode("connect-http2") },
  { name: grpcJs, ...grpc, start: () => startNode("grpc-js") },
  { name: "Fastify with schemas", ...rest, start: async () => startNode("fastify", await peers.fastify()) },
  { name: "Go gRPC", ...grpc, start: () => goServer("grpc") },
  { name: goGateway, ...rest, start: () => goServer("in-process") },
  {
    name: "Go grpc-gateway → gRPC upstream",
    ...onUpstream,
    start: (port) => goServer("upstream", "-upstream", `127.0.0.1:${port}`),
  },
  {
    name: "vanguard-go in process",
    ...rest,
    start: async () => startProgram([join(await peers.vanguard(), "server")]),
  },
  {
    name: envoyUpstream,
    ...onUpstream,
    start: async (port) => startEnvoy(await peers.envoy(), port),
  },
];

/** The gRPC server behind the gateways: Go's where it can be had, as it costs the least, else our raw one. */
export function startUpstream(): Promise<Running> {
  return goServer("grpc").catch(() => startNode("raw-http2"));
}
