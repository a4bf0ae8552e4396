import type { HttpRule, ImageContract, ImageMethod } from "../contract.js";

/** How a route is spoken. */
export type Protocol = "REST" | "Connect" | "gRPC-Web" | "gRPC";

/** What is written on it: JSON, Protobuf, lines of JSON, or server-sent events. */
export type Format = "JSON" | "Protobuf" | "NDJSON" | "SSE";

/** When an answer leaves: with the verdict, behind events that tell of its stages, or in windows that were judged. */
export type Release = "whole" | "buffered" | "windowed";

/** One way by which an agent's answer reaches somebody outside. */
export interface DecisionRoute {
  readonly method: ImageMethod;
  readonly protocol: Protocol;
  /** `/v1/chat/completions`. */
  readonly path: string;
  readonly format: Format;
  readonly release: Release;
}

const rpcProtocols = ["Connect", "gRPC-Web", "gRPC"] as const;

/** The methods that answer for agents: those that are audited as decisions. */
export function decisionMethods({ methods }: ImageContract): ImageMethod[] {
  return methods.filter(({ audit, forwarded }) => audit === "decision" && forwarded);
}

/** Every way by which a decision leaves, from the contract alone. */
export function decisionRoutes(contract: ImageContract): DecisionRoute[] {
  return decisionMethods(contract).flatMap((method) => [
    ...method.http.flatMap((rule) => restRoutes(method, rule)),
    ...rpcProtocols.flatMap((protocol) => rpcRoutes(method, protocol)),
  ]);
}

/** Whether it speaks OpenAI's API, where the request says whether the answer is streamed. */
export function speaksOpenai({ errorFormat }: ImageMethod): boolean {
  return errorFormat === "openai";
}

function restRoutes(method: ImageMethod, { path }: HttpRule): DecisionRoute[] {
  const route = (format: Format, release: Release) =>
    ({ method, protocol: "REST", path, format, release }) as const;
  if (speaksOpenai(method)) return [route("JSON", "whole"), route("SSE", "buffered")];
  const formats: Format[] = method.streams ? ["NDJSON", "SSE"] : ["JSON"];
  return formats.flatMap((format) => releasesOf(method).map((release) => route(format, release)));
}

function rpcRoutes(method: ImageMethod, protocol: Protocol): DecisionRoute[] {
  return (["Protobuf", "JSON"] as const).flatMap((format) =>
    releasesOf(method).map((release) => ({ method, protocol, path: method.path, format, release })),
  );
}

function releasesOf(method: ImageMethod): Release[] {
  if (speaksOpenai(method)) return ["whole", "buffered"];
  return method.streams ? ["buffered", "windowed"] : ["whole"];
}
