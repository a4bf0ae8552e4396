import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

/** A span as it arrived over OTLP. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: number;
  readonly attributes: Readonly<Record<string, string | number>>;
}

/** A local collector that keeps what is posted to it. */
export async function startCollector(answer: { status: number } = { status: 200 }) {
  const requests: { path: string; type: string; body: Uint8Array }[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const type = request.headers["content-type"] ?? "";
      requests.push({ path: request.url ?? "", type, body: Buffer.concat(chunks) });
      response.writeHead(answer.status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    spans: () => requests.flatMap(({ body }) => readSpans(body)),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

// opentelemetry/proto/collector/trace/v1: request → resource_spans 1 → scope_spans 2 → spans 2.
function readSpans(body: Uint8Array): ReceivedSpan[] {
  const parts = (message: Uint8Array, field: number) => bytesOf(message).filter(({ no }) => no === field);
  const resources = parts(body, 1).map(({ value }) => value);
  const scopes = resources.flatMap((resource) => parts(resource, 2).map(({ value }) => value));
  return scopes.flatMap((scope) => parts(scope, 2).map(({ value }) => readSpan(value)));
}

function readSpan(span: Uint8Array): ReceivedSpan {
  const fields = bytesOf(span);
  const hex = (no: number) =>
    Buffer.from(fields.find((field) => field.no === no)?.value ?? []).toString("hex");
  const name = fields.find((field) => field.no === 5)?.value ?? new Uint8Array();
  const attributes = fields.filter((field) => field.no === 9).map(({ value }) => readAttribute(value));
  return {
    traceId: hex(1),
    spanId: hex(2),
    parentSpanId: hex(4),
    name: Buffer.from(name).toString(),
    kind: numberOf(span, 6) ?? 0,
    attributes: Object.fromEntries(attributes),
  };
}

function readAttribute(keyValue: Uint8Array): [string, string | number] {
  const [key, value] = bytesOf(keyValue).map((field) => field.value);
  const text = bytesOf(value ?? new Uint8Array()).find(({ no }) => no === 1)?.value;
  return [
    Buffer.from(key ?? []).toString(),
    text ? Buffer.from(text).toString() : (numberOf(value, 3) ?? -1),
  ];
}

function bytesOf(message: Uint8Array): { no: number; value: Uint8Array }[] {
  const found: { no: number; value: Uint8Array }[] = [];
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [no, type] = reader.tag();
    if (type === WireType.LengthDelimited) found.push({ no, value: reader.bytes() });
    else reader.skip(type, no);
  }
  return found;
}

function numberOf(message: Uint8Array | undefined, wanted: number): number | undefined {
  const reader = new BinaryReader(message ?? new Uint8Array());
  while (reader.pos < reader.len) {
    const [no, type] = reader.tag();
    if (no === wanted && type === WireType.Varint) return Number(reader.int64());
    reader.skip(type, no);
  }
  return undefined;
}
