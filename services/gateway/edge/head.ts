import type { OutgoingHttpHeader, OutgoingHttpHeaders } from "node:http";
import type { Request, Response } from "../../kit/serve/listen.js";
import { isNamedBy } from "../transcode/entity-tag.js";
import { type Coding, negotiateCoding } from "./accept-encoding.js";
import { noStore } from "./cache-control.js";
import { isCompressible } from "./compress.js";
import { codedTag } from "./validator.js";

/** The head of an answer before it leaves. Names are in lower case. */
export interface Head {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
}

/** Headers by name, in lower case. */
export type HeaderList = readonly (readonly [name: string, value: string])[];

/** A copy to change. V8 gives a spread one a shape of its own, to which nothing can be added cheaply. */
export function copied(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  const copy: OutgoingHttpHeaders = {};
  for (const name in headers) copy[name] = headers[name];
  return copy;
}

/** Adds those headers of `always` whose names are not there. */
export function completed(headers: OutgoingHttpHeaders, always: HeaderList): OutgoingHttpHeaders {
  for (const [name, value] of always) headers[name] ??= value;
  return headers;
}

/** The same, names and values in turn: node:http writes them as fast, and they need not become an object's. */
export function flattened(headers: OutgoingHttpHeaders, always: HeaderList): OutgoingHttpHeader[] {
  const flat: OutgoingHttpHeader[] = [];
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined) flat.push(name, value);
  }
  for (const [name, value] of always) if (headers[name] === undefined) flat.push(name, value);
  return flat;
}

/** Whether the head depends on the body, or the body on the client. */
export function mayChange(request: Request, response: Response, head: Head): boolean {
  // Nothing is to be kept, and nothing compressed.
  if (request.method !== "GET" && request.headers["accept-encoding"] === undefined) return false;
  const { status, headers } = head;
  if (status < 200 || status === 204 || status === 304 || request.method === "HEAD") return false;
  // The rest of the request is still awaited, and the answer may not wait with it.
  if (!request.complete && (headers.connection ?? response.getHeader("connection")) === "close") return false;
  if (isStream(head)) return streamCoding(request, head) !== undefined;
  return isCacheableRead(request, head) || codingOf(request, head) !== undefined;
}

/** Whether somebody may keep what a read returned. */
export function isCacheableRead({ method }: Request, { status, headers }: Head): boolean {
  return method === "GET" && status === 200 && !String(headers["cache-control"] ?? noStore).includes(noStore);
}

/** Whether the client has what a read would return. */
export function isKnown(request: Request, { status, headers }: Head): boolean {
  const condition = request.headers["if-none-match"];
  if (status !== 200 || condition === undefined || headers.etag === undefined) return false;
  return isNamedBy(condition, String(headers.etag));
}

const ofContent = ["content-type", "content-length", "content-encoding"];

/** The head that says so. */
export function notModified({ headers }: Head): Head {
  const kept = Object.entries(headers).filter(([name]) => !ofContent.includes(name));
  return { status: 304, headers: Object.fromEntries(kept) };
}

/** Whether the answer is a stream over REST, for which the transcoder asks proxies not to collect it. */
export function isStream({ headers }: Head): boolean {
  return headers["x-accel-buffering"] === "no";
}

const streamTypes = ["application/x-ndjson", "text/event-stream"];

/** The coding for a stream of messages. */
export function streamCoding(request: Request, head: Head): Coding | undefined {
  return streamTypes.includes(String(head.headers["content-type"])) ? codingOf(request, head) : undefined;
}

/** The coding for content that has none yet and may be transformed. */
export function codingOf({ headers: asked }: Request, { headers }: Head): Coding | undefined {
  const accepted = asked["accept-encoding"];
  if (accepted === undefined || headers["content-encoding"] !== undefined) return undefined;
  if (!isCompressible(headers["content-type"])) return undefined;
  if (String(headers["cache-control"] ?? "").includes("no-transform")) return undefined;
  return negotiateCoding([accepted].flat().join(","));
}

/** Says that the content comes in a coding. */
export function setCoding(headers: OutgoingHttpHeaders, coding: Coding): void {
  headers["content-encoding"] = coding;
  delete headers["content-length"];
  if (headers.etag !== undefined) headers.etag = codedTag(String(headers.etag), coding);
}
