import { fromJson, toBinary } from "@bufbuild/protobuf";
import { framed } from "../contract/frames.js";
import { methodOf, plainService, requestJson, restPath, rpcPath } from "../contract/review.js";

/** In which protocol a contestant is asked. */
export type Protocol = "rest" | "connect" | "grpc";

/** One request over HTTP/1.1, with its body. */
export function http1Request(options: {
  readonly protocol: "rest" | "connect";
  readonly token?: string | undefined;
  readonly path?: string;
  readonly body?: object;
}): Buffer {
  const { protocol, token, path = protocol === "rest" ? restPath : rpcPath } = options;
  const body = JSON.stringify(options.body ?? requestJson);
  const lines = [
    `POST ${path} HTTP/1.1`,
    "host: 127.0.0.1",
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
    ...(protocol === "connect" ? ["connect-protocol-version: 1"] : []),
    ...(token ? [`authorization: Bearer ${token}`] : []),
  ];
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n${body}`);
}

/** The headers of one gRPC call. */
export function grpcHeaders(token: string | undefined): readonly (readonly [string, string])[] {
  return [
    [":method", "POST"],
    [":scheme", "http"],
    [":path", rpcPath],
    [":authority", "127.0.0.1"],
    ["content-type", "application/grpc"],
    ["te", "trailers"],
    ...(token ? [["authorization", `Bearer ${token}`] as const] : []),
  ];
}

/** The message of one gRPC call, in its frame. */
export function grpcMessage(): Buffer {
  const { input } = methodOf(plainService());
  return framed(toBinary(input, fromJson(input, requestJson)));
}
