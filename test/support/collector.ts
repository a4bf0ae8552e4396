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
  /** Whether it is marked as failed. */
  readonly failed: boolean;
  /** `service.name` of the process that sent it. */
  readonly service: string;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}

type AttributeValue = string | number | boolean | readonly string[];

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
  return partsOf(body, 1).flatMap((resource) => {
    const described = partsOf(resource, 1).flatMap((one) => partsOf(one, 1).map(readAttribute));
    const service = String(Object.fromEntries(described)["service.name"]);
    const spans = partsOf(resource, 2).flatMap((scope) => partsOf(scope, 2));
    return spans.map((span) => readSpan(span, service));
  });
}

function partsOf(message: Uint8Array, field: number): Uint8Array[] {
  return bytesOf(message)
    .filter(({ no }) => no === field)
    .map(({ value }) => value);
}

const statusError = 2;

function readSpan(span: Uint8Array, service: string): ReceivedSpan {
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
    failed: numberOf(partsOf(span, 15)[0], 3) === statusError,
    service,
    attributes: Object.fromEntries(attributes),
  };
}

function readAttribute(keyValue: Uint8Array): [string, AttributeValue] {
  const [key, value] = bytesOf(keyValue).map((field) => field.value);
  return [textOf(key), readValue(value ?? new Uint8Array())];
}

// opentelemetry/proto/common/v1, AnyValue: string 1, bool 2, int 3, array 5.
function readValue(value: Uint8Array): AttributeValue {
  const text = partsOf(value, 1)[0];
  if (text) return textOf(text);
  const array = partsOf(value, 5)[0];
  if (array) return partsOf(array, 1).map((one) => String(readValue(one)));
  const flag = numberOf(value, 2);
  return flag === undefined ? (numberOf(value, 3) ?? -1) : flag === 1;
}

function textOf(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString();
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
