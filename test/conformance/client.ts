import { create, type DescMethodUnary, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { type Any, anyUnpack } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Departure } from "../../services/kit/peers/wire-call.js";
import {
  createWirePool,
  defaultPoolLimits,
  type Http2Client,
  http2Clients,
} from "../../services/kit/peers/wire-pool.js";
import { createWireUnary } from "../../services/kit/peers/wire-unary.js";
import { conformanceService, type Header, registry, suiteMessage } from "./messages.js";

/** One case, as the runner tells a client of it. */
interface ClientRequest extends Message {
  readonly testName: string;
  readonly host: string;
  readonly port: number;
  readonly serverTlsCert: Uint8Array;
  readonly clientTlsCreds?: { readonly cert: Uint8Array; readonly key: Uint8Array };
  readonly messageReceiveLimit: number;
  readonly method?: string;
  readonly requestHeaders: Header[];
  readonly requestMessages: Any[];
  readonly timeoutMs?: number;
  readonly cancel?: { readonly cancelTiming: { readonly case?: string; readonly value?: unknown } };
}

const connect = http2Clients[process.argv[2] as Http2Client];
if (!connect) throw new Error("name the HTTP/2 client to test");

/** Makes the call of a case; what came of it, as the runner wants to hear it. */
async function outcomeOf(asked: ClientRequest) {
  const secure = asked.serverTlsCert.length > 0;
  const { cert, key } = asked.clientTlsCreds ?? {};
  const pool = createWirePool({
    origin: `${secure ? "https" : "http"}://${asked.host}:${asked.port}`,
    limits: defaultPoolLimits,
    connect,
    secure: {
      ca: Buffer.from(asked.serverTlsCert),
      ...(cert && key && { cert: Buffer.from(cert), key: Buffer.from(key) }),
    },
  });
  try {
    const method = conformanceService.methods.find(({ name }) => name === asked.method) as DescMethodUnary;
    const headers = new Headers();
    for (const { name, value } of asked.requestHeaders) for (const one of value) headers.append(name, one);
    const call = createWireUnary({ pool, bodyLimit: asked.messageReceiveLimit || 4 * 1024 * 1024 });
    const reply = await call(method, anyUnpack(asked.requestMessages[0]!, registry) as never, {
      header: headers,
      timeoutMs: asked.timeoutMs,
      departure: departureOf(asked),
    });
    const { payload } = reply.message as Message & { readonly payload?: Message };
    return {
      responseHeaders: headersOf(reply.header),
      responseTrailers: headersOf(reply.trailer),
      payloads: [payload ?? create(suiteMessage("ConformancePayload"))],
    };
  } catch (error) {
    return failureOf(ConnectError.from(error));
  } finally {
    pool.close();
  }
}

function failureOf({ code, rawMessage, details, metadata }: ConnectError) {
  const packed = details.map((detail) => {
    if (!("value" in detail) || !(detail.value instanceof Uint8Array) || !("type" in detail)) {
      throw new Error("an error that came has details that did not");
    }
    return { typeUrl: `type.googleapis.com/${detail.type}`, value: detail.value };
  });
  // An error has headers and trailers in one.
  return { error: { code, message: rawMessage, details: packed }, responseTrailers: headersOf(metadata) };
}

function headersOf(headers: Headers) {
  return [...headers].map(([name, value]) => ({ name, value: value.split(", ") }));
}

function departureOf({ cancel }: ClientRequest): Departure | undefined {
  const after = cancel?.cancelTiming;
  if (after?.case !== "afterCloseSendMs") return undefined;
  return {
    left: () => undefined,
    watch(leave) {
      const timer = setTimeout(() => leave(new ConnectError("canceled", Code.Canceled)), Number(after.value));
      return () => clearTimeout(timer);
    },
  };
}

const responseDesc = suiteMessage("ClientCompatResponse");
const requestDesc = suiteMessage("ClientCompatRequest");

async function answer(asked: ClientRequest): Promise<void> {
  const result = await outcomeOf(asked).then(
    (value) => ({ case: "response", value }),
    (error: Error) => ({ case: "error", value: { message: error.stack ?? error.message } }),
  );
  const octets = toBinary(responseDesc, create(responseDesc, { testName: asked.testName, result } as never));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(octets.length);
  process.stdout.write(Buffer.concat([length, octets]));
}

let received = Buffer.alloc(0);
for await (const chunk of process.stdin) {
  received = Buffer.concat([received, chunk]);
  while (received.length >= 4 && received.length >= 4 + received.readUInt32BE(0)) {
    const end = 4 + received.readUInt32BE(0);
    const octets = received.subarray(4, end);
    void answer(fromBinary(requestDesc, octets) as unknown as ClientRequest);
    received = received.subarray(end);
  }
}
