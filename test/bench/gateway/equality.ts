import { once } from "node:events";
import { connect } from "node:http2";
import { isDeepStrictEqual } from "node:util";
import { fromBinary, toJson } from "@bufbuild/protobuf";
import { methodOf, plainService, requestJson, restPath, review, rpcPath } from "./contract/review.js";
import type { Running } from "./launch.js";
import { grpcHeaders, grpcMessage, type Protocol } from "./load/requests.js";

/** Rejects when a contestant answers anything but what all have to answer. */
export async function checkAnswer(running: Running, protocol: Protocol): Promise<void> {
  const given = protocol === "grpc" ? await overGrpc(running) : await overHttp(running, protocol);
  const due = review(requestJson.limits.quality);
  if (isDeepStrictEqual(given, due)) return;
  throw new Error(`it answers ${JSON.stringify(given)} in place of ${JSON.stringify(due)}`);
}

async function overHttp({ port, token }: Running, protocol: Protocol): Promise<unknown> {
  const path = protocol === "rest" ? restPath : rpcPath;
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(protocol === "connect" && { "connect-protocol-version": "1" }),
      ...(token && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(requestJson),
  });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`it answers ${response.status}: ${text}`);
  return JSON.parse(text);
}

async function overGrpc({ port, token }: Running): Promise<unknown> {
  const session = connect(`http://127.0.0.1:${port}`);
  const stream = session.request(Object.fromEntries(grpcHeaders(token)));
  stream.end(grpcMessage());
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  let status: unknown;
  let detail: unknown;
  stream.on("response", (headers) => {
    status = headers["grpc-status"];
    detail = headers["grpc-message"];
  });
  stream.on("trailers", (headers) => {
    status = headers["grpc-status"];
    detail = headers["grpc-message"];
  });
  await once(stream, "close");
  session.close();
  if (status !== "0") throw new Error(`it answers with gRPC status ${status}: ${detail}`);
  const { output } = methodOf(plainService());
  return toJson(output, fromBinary(output, Buffer.concat(chunks).subarray(5)));
}
