import { create, type DescMethod, type MessageInitShape, toBinary, toJsonString } from "@bufbuild/protobuf";
import type { Answer } from "../../../services/generate/no-bypass/answers.js";
import { type DecisionRoute, speaksOpenai } from "../../../services/generate/no-bypass/routes.js";
import { everyService } from "../../support/every-service.js";
import { postOverHttp1, postOverHttp2, type Sent } from "./exchange.js";
import { type Question, readMessage, requestOf, restRequestOf } from "./messages.js";
import { envelope, readReply } from "./replies.js";

/** What a caller sees of a decision. */
export interface Seen extends Answer {
  /** The reason of the error; empty for none. */
  readonly reason: string;
  /** BLOCKED where only an error says so. */
  readonly verdict: string;
  readonly content: string;
}

/** What a caller sees, and all that was sent to it. */
export interface Heard {
  readonly seen: Seen;
  readonly decisionId: string;
  readonly requestId: string;
  /** What left before the verdict. */
  readonly windows: string;
  readonly bytes: Buffer;
}

/** Asks by a route of the matrix, over HTTP/1.1 where it has a choice. */
export async function ask(
  platform: { readonly url: string; readonly token: string },
  route: DecisionRoute,
  question: Question,
  http2 = route.protocol === "gRPC",
): Promise<Heard> {
  const method = methodOf(route);
  const sent = route.protocol === "REST" ? restSent(route, question) : rpcSent(route, method, question);
  const headers = { authorization: `Bearer ${platform.token}`, ...sent.headers };
  const received = await (http2 ? postOverHttp2 : postOverHttp1)(platform.url, { ...sent, headers });
  const { messages, failure } = readReply(received, route, method);
  const read = messages.map(readMessage);
  const result = read.findLast(({ verdict }) => verdict !== undefined);
  const blockedBy = failure && failure.decisionId !== "" ? "BLOCKED" : "";
  return {
    seen: {
      status: received.status,
      code: failure?.code ?? "OK",
      reason: failure?.reason ?? "",
      last: [...read.flatMap(({ last }) => last), ...(failure ? (["error"] as const) : [])],
      verdict: result?.verdict ?? blockedBy,
      content: read.map(({ content }) => content ?? "").join(""),
    },
    decisionId: result?.decisionId ?? failure?.decisionId ?? "",
    requestId: received.headers["x-request-id"] ?? "",
    windows: read.map(({ window }) => window ?? "").join(""),
    bytes: received.bytes,
  };
}

function methodOf({ method: { service, name } }: DecisionRoute): DescMethod {
  const found = everyService
    .find(({ typeName }) => typeName === service)
    ?.methods.find((method) => method.name === name);
  if (!found) throw new Error(`no generated code of ${service}/${name}`);
  return found;
}

function restSent(route: DecisionRoute, question: Question): Sent {
  const { body, query } = restRequestOf(route, question);
  const accept = {
    JSON: "application/json",
    SSE: "text/event-stream",
    NDJSON: "application/x-ndjson",
    Protobuf: "",
  };
  return {
    path: `${route.path}${query}`,
    headers: { "content-type": "application/json", accept: accept[route.format] },
    body: Buffer.from(body),
  };
}

function rpcSent(route: DecisionRoute, { input }: DescMethod, question: Question): Sent {
  const message = create(input, requestOf(route, question) as MessageInitShape<typeof input>);
  const binary = route.format === "Protobuf";
  const body = binary ? toBinary(input, message) : Buffer.from(toJsonString(input, message));
  const whole = route.protocol === "Connect" && !route.method.streams;
  return {
    path: route.path,
    headers: rpcHeaders(route, binary ? "proto" : "json"),
    body: whole ? body : envelope(body),
  };
}

function rpcHeaders({ protocol, method }: DecisionRoute, codec: string): Record<string, string> {
  if (protocol === "gRPC") return { "content-type": `application/grpc+${codec}`, te: "trailers" };
  if (protocol === "gRPC-Web") return { "content-type": `application/grpc-web+${codec}` };
  const type = method.streams ? `application/connect+${codec}` : `application/${codec}`;
  return { "content-type": type, "connect-protocol-version": "1" };
}

/** What a route is called in a report. */
export function nameOf(route: DecisionRoute, http2 = false): string {
  const { method, protocol, path, format, release } = route;
  const at = protocol === "REST" && !speaksOpenai(method) ? ` ${path}` : "";
  return `${method.name} ${protocol}${http2 ? " over HTTP/2" : ""}${at} ${format} ${release}`;
}
