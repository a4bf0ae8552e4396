import {
  create,
  type DescMethod,
  fromBinary,
  fromJson,
  type JsonValue,
  type Message,
} from "@bufbuild/protobuf";
import { HttpBodySchema } from "#gen/ts/google/api/httpbody_pb.js";
import { Code } from "#gen/ts/google/rpc/code_pb.js";
import { ErrorInfoSchema } from "#gen/ts/google/rpc/error_details_pb.js";
import { StatusSchema } from "#gen/ts/google/rpc/status_pb.js";
import { type DecisionRoute, speaksOpenai } from "../../../services/generate/no-bypass/routes.js";
import type { Received } from "./exchange.js";

/** An error as a caller sees it. */
export interface Failure {
  readonly code: string;
  /** Empty in OpenAI's form, which has none. */
  readonly reason: string;
  readonly decisionId: string;
}

/** The messages of an answer, and the error that ends it. */
export interface Reply {
  readonly messages: readonly Message[];
  readonly failure?: Failure | undefined;
}

// biome-ignore lint/suspicious/noExplicitAny: errors of four protocols.
type Loose = any;

/** Reads what a route's protocol makes of an answer. */
export function readReply(received: Received, route: DecisionRoute, method: DescMethod): Reply {
  if (route.protocol === "REST") return readRest(received, route, method);
  const decode = decoderOf(route, method);
  if (route.protocol === "Connect" && !route.method.streams) {
    if (received.status === 200) return { messages: [decode(received.body)] };
    return { messages: [], failure: connectFailure(JSON.parse(String(received.body))) };
  }
  const envelopes = envelopesOf(received.body);
  const messages = envelopes.filter(({ flags }) => flags === 0).map(({ data }) => decode(data));
  const end = envelopes.find(({ flags }) => flags !== 0);
  if (route.protocol === "Connect") return { messages, failure: endOfConnect(end?.data) };
  const trailers = end ? headersIn(String(end.data)) : received.headers;
  return { messages, failure: grpcFailure(trailers) };
}

/** Messages in envelopes, as gRPC and Connect's streams have them. */
export function envelope(data: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(data.length, 1);
  return Buffer.concat([head, data]);
}

function readRest({ status, headers, body }: Received, route: DecisionRoute, method: DescMethod): Reply {
  const text = String(body);
  if (status !== 200) return { messages: [], failure: problemFailure(JSON.parse(text)) };
  if (speaksOpenai(route.method)) {
    const contentType = headers["content-type"] ?? "";
    return { messages: [create(HttpBodySchema, { contentType, data: new Uint8Array(body) })] };
  }
  const message = (json: JsonValue) => fromJson(method.output, json, { ignoreUnknownFields: false });
  if (route.format === "JSON") return { messages: [message(JSON.parse(text))] };
  const parts: Loose[] = route.format === "SSE" ? eventsOf(text) : linesOf(text);
  const error = parts.find((part) => "error" in part)?.error;
  const messages = parts.filter((part) => !("error" in part)).map((part) => message(part));
  return { messages, failure: error && problemFailure(error) };
}

function linesOf(text: string): Loose[] {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

function eventsOf(text: string): Loose[] {
  const events = text.split("\n\n").filter((one) => one.startsWith("event: "));
  return events.map((one) => {
    const [, type, data = ""] = /^event: (\w+)\ndata: (.*)$/.exec(one) ?? [];
    return type === "error" ? { error: JSON.parse(data) } : JSON.parse(data);
  });
}

function decoderOf({ format }: DecisionRoute, { output }: DescMethod): (data: Uint8Array) => Message {
  if (format === "Protobuf") return (data) => fromBinary(output, data);
  return (data) => fromJson(output, JSON.parse(Buffer.from(data).toString()));
}

function envelopesOf(body: Buffer): { flags: number; data: Buffer }[] {
  if (body.length === 0) return [];
  const end = 5 + body.readUInt32BE(1);
  return [{ flags: body.readUInt8(0), data: body.subarray(5, end) }, ...envelopesOf(body.subarray(end))];
}

/** RFC 9457's problems, or OpenAI's errors. */
function problemFailure({ code, reason, details, error }: Loose): Failure {
  if (error) return { code: error.code, reason: "", decisionId: error.decision_id };
  const blocked = details.find((one: Loose) => one["@type"].endsWith("BlockedDecision"));
  return { code, reason, decisionId: blocked?.decision_id ?? "" };
}

function endOfConnect(data: Buffer | undefined): Failure | undefined {
  // A stream without its end was cut off.
  if (!data) return { code: "cut off", reason: "", decisionId: "" };
  const { error } = JSON.parse(String(data));
  return error && connectFailure(error);
}

function connectFailure({ code, details }: Loose): Failure {
  const info = details.find(({ type }: Loose) => type === ErrorInfoSchema.typeName);
  return failureOf(String(code).toUpperCase(), Buffer.from(info?.value ?? "", "base64"));
}

function grpcFailure(trailers: Readonly<Record<string, string>>): Failure | undefined {
  const { "grpc-status": status = "cut off", "grpc-status-details-bin": bin = "" } = trailers;
  if (status === "0") return undefined;
  const { details } = fromBinary(StatusSchema, Buffer.from(bin, "base64"));
  const info = details.find(({ typeUrl }) => typeUrl.endsWith(`/${ErrorInfoSchema.typeName}`));
  return failureOf(Code[Number(status)] ?? status, info?.value ?? new Uint8Array());
}

function failureOf(code: string, info: Uint8Array): Failure {
  const { reason, metadata } = fromBinary(ErrorInfoSchema, info);
  return { code, reason, decisionId: metadata.decision_id ?? "" };
}

function headersIn(text: string): Record<string, string> {
  const lines = text.split("\r\n").filter((line) => line !== "");
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf(":");
      return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
    }),
  );
}
