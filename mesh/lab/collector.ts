import { appendFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createHttp2 } from "node:http2";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

/** A span as it arrived. */
export interface CollectedSpan {
  /** `service.name` of whoever made it. */
  readonly service: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  /** 2 of a call as its server sees it, 3 as its client does, 4 and 5 of events at both ends. */
  readonly kind: number;
}

const [address, file] = process.argv.slice(2);

/** Writes each span that arrives over OTLP, by HTTP or gRPC, as a line of JSON to the file. */
if (address && file) {
  const keep = (body: Uint8Array) => {
    for (const span of readSpans(body)) appendFileSync(file, `${JSON.stringify(span)}\n`);
  };
  createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      keep(Buffer.concat(chunks));
      response.end();
    });
  }).listen(4318, address);
  createHttp2((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      for (const message of messages(Buffer.concat(chunks))) keep(message);
      response.writeHead(200, { "content-type": "application/grpc" });
      response.addTrailers({ "grpc-status": "0" });
      response.end(Buffer.alloc(5));
    });
  }).listen(4317, address);
}

/** The messages of a gRPC body. */
function* messages(body: Buffer): Generator<Uint8Array> {
  for (let at = 0; at + 5 <= body.length; at += 5 + body.readUInt32BE(at + 1)) {
    yield body.subarray(at + 5, at + 5 + body.readUInt32BE(at + 1));
  }
}

// ExportTraceServiceRequest: resource_spans 1; of each: resource 1 (attributes 1), scope_spans 2 (spans 2).
function readSpans(body: Uint8Array): CollectedSpan[] {
  return parts(body, 1).flatMap((resourceSpans) => {
    const attributes = parts(resourceSpans, 1).flatMap((resource) => parts(resource, 1));
    const named = attributes.find((attribute) => text(parts(attribute, 1)[0]) === "service.name");
    const service = named ? text(parts(parts(named, 2)[0] ?? new Uint8Array(), 1)[0]) : "";
    return parts(resourceSpans, 2).flatMap((scope) => parts(scope, 2).map((span) => readSpan(service, span)));
  });
}

function readSpan(service: string, span: Uint8Array): CollectedSpan {
  const hex = (no: number) => Buffer.from(parts(span, no)[0] ?? []).toString("hex");
  const ids = { traceId: hex(1), spanId: hex(2), parentSpanId: hex(4) };
  return { service, ...ids, name: text(parts(span, 5)[0]), kind: number(span, 6) };
}

/** Values of a length-delimited field. */
function parts(message: Uint8Array, wanted: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [no, type] = reader.tag();
    if (no === wanted && type === WireType.LengthDelimited) found.push(reader.bytes());
    else reader.skip(type, no);
  }
  return found;
}

/** Value of a field of type varint; 0 when it is absent. */
function number(message: Uint8Array, wanted: number): number {
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [no, type] = reader.tag();
    if (no === wanted && type === WireType.Varint) return reader.uint32();
    reader.skip(type, no);
  }
  return 0;
}

function text(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString();
}
