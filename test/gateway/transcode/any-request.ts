import { EventEmitter } from "node:events";
import { Readable } from "node:stream";
import fc from "fast-check";
import { expect } from "vitest";
import type { RestRequest, RestResponse } from "../../../services/gateway/transcode/exchange.js";
import { createTranscoder } from "../../../services/gateway/transcode/transcoder.js";
import { type Context, echo, echoStream, registry, serviceOf } from "./fixture.js";

/** A request of any shape, near enough to the fixture's routes to get far. */
export interface AnyRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: readonly Uint8Array[];
}

/** What came of it. */
export interface AnyAnswer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly body: Buffer;
}

const literal = fc.constantFrom(
  ...["v1", "everything", "text", "small", "nested", "time", "choice", "shelves", "books", "files", "meta"],
  ...[
    "anonymous",
    "end",
    "fixed",
    "lenient",
    "update",
    "update-all",
    "probe",
    "any",
    "raw",
    "uploads",
    "tags",
  ],
  ...[
    "shelf",
    "big",
    "counts",
    "bigs",
    "watch",
    "export",
    "import",
    "import/x",
    "import-file",
    "import-raw",
    "chat",
  ],
);
const value = fc.oneof(
  fc.constantFrom(
    "1",
    "-1",
    "a%2Fb",
    "%",
    "%zz",
    "%c3%28",
    "2024-01-01T00:00:00Z",
    "9223372036854775808",
    "..",
    "",
  ),
  fc.string({ unit: "grapheme-ascii", maxLength: 6 }).map(encodeURI),
);
const loosePath = fc
  .tuple(
    fc.array(fc.oneof({ weight: 3, arbitrary: literal }, value), { maxLength: 4 }),
    fc.constantFrom("", ":cancel", ":stat", "/", ":"),
  )
  .map(([segments, verb]) => `/v1/${segments.join("/")}${verb}`);
/** Method and path of a route, with any value for its variables. */
const route = fc
  .tuple(
    fc.constantFrom(
      ...[
        "GET /everything",
        "GET /text/*",
        "GET /small/*",
        "GET /nested/*/*",
        "GET /time/*",
        "GET /choice/*",
      ],
      ...[
        "GET /shelves/*/books/*",
        "GET /files/*",
        "GET /files/*/meta",
        "POST /text/*:cancel",
        "GET /files/*:stat",
      ],
      ...[
        "POST /everything",
        "POST /everything/*/*",
        "PUT /shelf/*",
        "POST /tags",
        "POST /big",
        "POST /counts",
      ],
      ...[
        "POST /lenient",
        "GET /lenient",
        "PUT /update/*",
        "PATCH /update/*",
        "PATCH /update-all/*",
        "POST /raw",
      ],
      ...[
        "PROPFIND /probe/*",
        "DELETE /any/*",
        "POST /uploads/*",
        "POST /uploads",
        "GET /watch",
        "POST /watch/*",
      ],
      ...["GET /watch/*/tags", "GET /export/*", "POST /import", "POST /import/*", "POST /import-none/*"],
      ...["POST /import-file/*", "POST /import-raw", "POST /chat", "HEAD /watch", "HEAD /text/*"],
    ),
    fc.array(value, { minLength: 2, maxLength: 2 }),
  )
  .map(([text, values]) => {
    const [method = "", at = ""] = text.split(" ");
    let index = 0;
    return { method, at: `/v1${at.replaceAll("*", () => values[index++] ?? "")}` };
  });
const looseMethod = fc.constantFrom(
  "GET",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "HEAD",
  "OPTIONS",
  "PROPFIND",
  "get",
);
const target = fc.oneof(
  { weight: 4, arbitrary: route },
  { weight: 1, arbitrary: fc.record({ method: looseMethod, at: loosePath }) },
);
const fieldName = fc.constantFrom(
  ...[
    "text",
    "small",
    "big",
    "natural",
    "flag",
    "ratio",
    "blob",
    "colour",
    "maybe",
    "tags",
    "numbers",
    "colours",
  ],
  ...[
    "shelf.name",
    "shelf.inner.size",
    "labels",
    "counts",
    "left",
    "right",
    "centre.name",
    "at",
    "span",
    "mask",
  ],
  ...[
    "wrapped_text",
    "wrappedBig",
    "extra",
    "any_json",
    "detail",
    "nope",
    "shelf.nope",
    "update_mask",
    "",
    "__proto__",
  ],
);
const someQuery = fc
  .array(fc.tuple(fieldName, fc.option(value, { nil: undefined })), { maxLength: 5 })
  .map((pairs) => pairs.map(([name, text]) => (text === undefined ? name : `${name}=${text}`)).join("&"));

const query = fc.oneof({ weight: 2, arbitrary: fc.constant("") }, someQuery);

const leaf = fc.oneof(
  fc.json({ maxDepth: 2 }),
  fc.constantFrom("1", '"1"', "null", "1e400", "9007199254740993", "{", "[]", '"\\ud800"'),
);
const document = fc.oneof(
  fc
    .array(fc.tuple(fieldName, leaf), { maxLength: 5 })
    .map((pairs) => `{${pairs.map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(",")}}`),
  leaf,
  fc.nat(150).map((depth) => "[".repeat(depth) + "]".repeat(depth)),
  fc.string({ maxLength: 20 }),
);
const body = fc.oneof(
  fc.constantFrom<Uint8Array[]>(
    [],
    [Buffer.from('{"text":"a"}')],
    [Buffer.from('{"name":"a"}\n{"name":"b"}')],
  ),
  fc.array(document, { maxLength: 4 }).map((documents) => [Buffer.from(documents.join("\n"))]),
  fc.array(fc.uint8Array({ minLength: 1, maxLength: 30 }), { maxLength: 4 }),
  document.map((text) => [...Buffer.from(text)].map((byte) => Uint8Array.of(byte))),
);

const someHeaders = fc
  .record(
    {
      "content-type": fc.constantFrom(
        "application/json",
        "application/x-ndjson",
        "text/plain",
        "application/json; charset=x",
        ";;",
      ),
      accept: fc.constantFrom("text/event-stream", "*/*", "text/event-stream;q=0", ",;q=,"),
      "x-timeout-ms": fc.constantFrom("1000", "-1", "1e3", "99999999999", ""),
      "grpc-timeout": fc.constantFrom("1S", "100000000000m", "x"),
      "content-encoding": fc.constantFrom("gzip", "identity"),
      connection: fc.constantFrom("keep-alive, x-a", "close", ","),
      "x-a": fc
        .string({ unit: "grapheme-ascii", maxLength: 8 })
        .map((text) => text.replace(/[^\x21-\x7e]/g, "")),
      "x-latin": fc.constantFrom("é", "ÿ\t"),
      authorization: fc.constantFrom("Bearer x", ""),
    },
    { requiredKeys: [] },
  )
  .map((given) => given as Record<string, string>);

const headers = fc.oneof(fc.constant<Record<string, string>>({}), someHeaders);

export const anyRequest: fc.Arbitrary<AnyRequest> = fc
  .record({ target, query, headers, body })
  .map(({ target: { method, at }, query: asked, headers: sent, body: parts }) => ({
    method,
    url: `${at}${asked && "?"}${asked}`.replace(/[^\x21-\x7e]/g, ""),
    headers: sent,
    body: parts,
  }));

/** A transcoder over the fixture that echoes, called without a socket. */
export function anySubject() {
  const failures: unknown[] = [];
  const statuses = new Map<number, number>();
  const transcoder = createTranscoder<Context>({
    services: [serviceOf("Fixture")],
    call: echo,
    stream: echoStream,
    options: {
      requestId: ({ id }) => id,
      registry,
      ignoreUnknownFields: (method) => method.name === "Lenient",
      onError: (failure) => failures.push(failure),
    },
  });
  const answer = async (request: AnyRequest): Promise<AnyAnswer | undefined> => {
    const { response, answered } = recordingResponse();
    const handled = await transcoder.handle(requestOf(request), response, { id: "r1" });
    return handled ? answered : undefined;
  };
  /** Sends a request, and holds what every answer owes. */
  const check = async (request: AnyRequest): Promise<void> => {
    const given = await answer(request);
    const { status, headers: sent, body: bytes } = given ?? notHandled;
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    expect(failures).toEqual([]);
    expect(status === 501 || (status >= 200 && status < 500)).toBe(true);
    if (!given || request.method === "HEAD" || status < 400) return;
    expect(sent["content-type"]).toBe("application/problem+json");
    expect(JSON.parse(bytes.toString())).toMatchObject({ status, request_id: "r1" });
  };
  return { check, statuses };
}

const notHandled: AnyAnswer = { status: 404, headers: {}, body: Buffer.alloc(0) };

function requestOf({ method, url, headers: given, body: parts }: AnyRequest): RestRequest {
  const stream = Readable.from(parts, { objectMode: false });
  const framed = parts.length > 0 ? { ...given, "transfer-encoding": "chunked" } : given;
  const fields = { method, url, headers: framed, httpVersionMajor: 1 };
  return Object.defineProperty(Object.assign(stream, fields), "complete", {
    get: () => stream.readableEnded,
  }) as unknown as RestRequest;
}

function recordingResponse() {
  const emitter = new EventEmitter();
  const chunks: Buffer[] = [];
  const head = { status: 0, headers: {} as Record<string, unknown> };
  let settle: (answer: AnyAnswer) => void = () => undefined;
  const answered = new Promise<AnyAnswer>((resolve) => {
    settle = resolve;
  });
  const state = { headersSent: false, writableEnded: false, destroyed: false };
  const write = (chunk: string | Uint8Array | undefined): boolean => {
    if (chunk !== undefined) chunks.push(Buffer.from(chunk as string));
    return true;
  };
  const response = Object.assign(emitter, state, {
    writeHead(status: number, sent: Record<string, unknown>) {
      if (response.headersSent) throw new Error("answered twice");
      response.headersSent = true;
      Object.assign(head, { status, headers: sent });
    },
    write,
    addTrailers: () => undefined,
    end(chunk?: string | Uint8Array) {
      write(chunk);
      response.writableEnded = true;
      settle({ ...head, body: Buffer.concat(chunks) });
      emitter.emit("close");
    },
    destroy() {
      response.destroyed = true;
      settle({ ...head, body: Buffer.concat(chunks) });
      emitter.emit("close");
    },
  });
  return { response: response as unknown as RestResponse, answered };
}
