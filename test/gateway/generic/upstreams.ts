import { once } from "node:events";
import { createServer as createHttp1Server } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { create, type DescMethod, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { anyPack, FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import {
  Code,
  ConnectError,
  type ConnectRouter,
  type HandlerContext,
  type ServiceImpl,
} from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import {
  Metadata,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { ReflectionService } from "@grpc/reflection";
import { ErrorInfoSchema } from "#gen/ts/google/rpc/error_details_pb.js";
import { StatusSchema } from "#gen/ts/google/rpc/status_pb.js";
import { ServerReflection } from "#gen/ts/grpc/reflection/v1/reflection_pb.js";
import { ServerReflection as ServerReflectionAlpha } from "#gen/ts/grpc/reflection/v1alpha/reflection_pb.js";
import { createReflection } from "../../../services/kit/serve/reflection.js";
import { image, messageOf, serviceOf } from "../transcode/fixture.js";

/** The fixture's files, without the service whose annotations are wrong. */
export const { file: files } = fromBinary(FileDescriptorSetSchema, image);
for (const file of files) file.service = file.service.filter(({ name }) => name !== "Broken");

/** What an upstream was asked, and what became of its streams. */
export interface Upstream {
  readonly url: string;
  readonly headers: Headers[];
  readonly received: Message[];
  readonly ended: string[];
  stop(): Promise<unknown>;
}

interface Call {
  readonly header: Headers;
  readonly replyHeader: Headers;
  readonly replyTrailer: Headers;
  readonly signal: AbortSignal;
}

type Fields = Record<string, unknown>;

const service = serviceOf("Fixture");
const shelf = messageOf("Shelf");

/** What every upstream does, whatever library it is made with: the text of the request says how it goes. */
async function* behave(
  method: DescMethod,
  input: AsyncIterable<Message>,
  call: Call,
  record: Omit<Upstream, "url" | "stop">,
): AsyncGenerator<Message> {
  record.headers.push(call.header);
  const inputs: Fields[] = [];
  for await (const message of input) {
    record.received.push(message);
    inputs.push(message as unknown as Fields);
  }
  call.replyHeader.set("x-up", "header");
  call.replyHeader.set("x-up-bin", "AAE=");
  call.replyTrailer.set("x-up-trailer", "trailer");
  const [first = {}] = inputs;
  const text = String(first.text ?? "");
  if (text === "fail") throw failure();
  if (method.name === "Hang") await aborted(call.signal);
  if (method.methodKind === "client_streaming") {
    yield create(method.output, uploaded(method, inputs) as never);
    return;
  }
  const body = (data: string) =>
    create(method.output, { contentType: "text/csv", data: Buffer.from(data) } as never);
  if (method.name === "Export") yield* [body("a,"), body("b\n")];
  else {
    yield create(method.output, first as never);
    if (method.methodKind !== "server_streaming") return;
    if (text === "late") throw failure();
    if (text === "forever") {
      await aborted(call.signal);
      record.ended.push("forever");
    }
    yield create(method.output, { text: "second" } as never);
  }
}

function uploaded(method: DescMethod, inputs: readonly Fields[]): Fields {
  if (method.name === "Import") return { text: inputs.map(({ text }) => text).join(), small: inputs.length };
  const size = inputs.reduce((sum, { file }) => sum + (file as { data: Uint8Array }).data.length, 0);
  return { name: `${String(inputs[0]?.name)} ${size}` };
}

function failure(): ConnectError {
  const error = new ConnectError("the shelf is füll: %41", Code.AlreadyExists, { "x-why": "because" }, [
    {
      desc: ErrorInfoSchema,
      value: { domain: "shelves.example", reason: "SHELF_FULL", metadata: { size: "7" } },
    },
    { desc: shelf, value: { name: "s", size: 9007199254740993n } as never },
  ]);
  error.details.push({ type: "unknown.v1.Thing", value: new Uint8Array([8, 1]) });
  return error;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve());
  });
}

async function firstOf<T>(messages: AsyncIterable<T>): Promise<T> {
  for await (const message of messages) return message;
  throw new Error("no answer");
}

async function* only<T>(value: T) {
  yield value;
}

function newRecord() {
  return { headers: [] as Headers[], received: [] as Message[], ended: [] as string[] };
}

type Record_ = ReturnType<typeof newRecord>;

function connectRoutes(router: ConnectRouter, record: Record_, reflected: "v1" | "v1alpha" | "no"): void {
  const handlers = service.methods.map((method) => {
    const run = (input: AsyncIterable<Message>, context: HandlerContext) =>
      behave(method, input, callOf(context), record);
    const handler = {
      unary: (input: Message, context: HandlerContext) => firstOf(run(only(input), context)),
      server_streaming: (input: Message, context: HandlerContext) => run(only(input), context),
      client_streaming: (input: AsyncIterable<Message>, context: HandlerContext) =>
        firstOf(run(input, context)),
      bidi_streaming: run,
    }[method.methodKind];
    return [method.localName, handler];
  });
  router.service(service, Object.fromEntries(handlers) as ServiceImpl<typeof service>);
  const reflection = createReflection([service]);
  if (reflected === "v1") router.service(ServerReflection, reflection.v1);
  if (reflected === "v1alpha") router.service(ServerReflectionAlpha, reflection.v1alpha);
}

function callOf({ requestHeader, responseHeader, responseTrailer, signal }: HandlerContext): Call {
  return { header: requestHeader, replyHeader: responseHeader, replyTrailer: responseTrailer, signal };
}

/** Connect's server for Node: gRPC needs HTTP/2, Connect itself does without. */
export async function connectUpstream(
  http: "1.1" | "2",
  reflected: "v1" | "v1alpha" | "no" = "no",
): Promise<Upstream> {
  const record = newRecord();
  const handler = connectNodeAdapter({ routes: (router) => connectRoutes(router, record, reflected) });
  const server = http === "2" ? createHttp2Server(handler) : createHttp1Server(handler);
  const sessions = new Set<{ destroy(): void }>();
  server.on(http === "2" ? "session" : "connection", (session: { destroy(): void }) => sessions.add(session));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    ...record,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      for (const session of sessions) session.destroy();
      server.close();
    },
  };
}

/** gRPC's own server for Node, with its own reflection. */
export async function grpcUpstream(): Promise<Upstream> {
  const record = newRecord();
  const server = new Server();
  const definitions = service.methods.map((method) => [method.localName, definition(method)]);
  const handlers = service.methods.map((method) => [method.localName, grpcHandler(method, record)]);
  server.addService(
    Object.fromEntries(definitions),
    Object.fromEntries(handlers) as UntypedServiceImplementation,
  );
  const fileDescriptorProtos = files.map((file) => Buffer.from(toBinary(FileDescriptorProtoSchema, file)));
  new ReflectionService({ [service.typeName]: { fileDescriptorProtos } } as never).addToServer(server);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return { ...record, url: `http://127.0.0.1:${port}`, stop: async () => server.forceShutdown() };
}

function definition(method: DescMethod): MethodDefinition<Message, Message> {
  const { input, output, methodKind } = method;
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream: methodKind === "client_streaming" || methodKind === "bidi_streaming",
    responseStream: methodKind === "server_streaming" || methodKind === "bidi_streaming",
    requestSerialize: (message) => Buffer.from(toBinary(input, message)),
    requestDeserialize: (bytes) => fromBinary(input, bytes),
    responseSerialize: (message) => Buffer.from(toBinary(output, message)),
    responseDeserialize: (bytes) => fromBinary(output, bytes),
  };
}

interface GrpcCall extends AsyncIterable<Message> {
  readonly request: Message;
  readonly metadata: Metadata;
  on(event: "cancelled", listener: () => void): void;
  sendMetadata(metadata: Metadata): void;
  write(message: Message): void;
  end(trailer: Metadata): void;
  emit(event: "error", error: unknown): void;
}

type Reply = (error: unknown, message?: Message, trailer?: Metadata) => void;

function grpcHandler(method: DescMethod, record: Record_) {
  const { requestStream, responseStream } = definition(method);
  return async (call: GrpcCall, reply: Reply) => {
    const cancelled = new AbortController();
    call.on("cancelled", () => cancelled.abort());
    const header = new Headers(
      Object.entries(call.metadata.getMap()).map(([name, value]) => [name, String(value)]),
    );
    const context: Call = {
      header,
      replyHeader: new Headers(),
      replyTrailer: new Headers(),
      signal: cancelled.signal,
    };
    const answers = behave(method, requestStream ? call : only(call.request), context, record);
    try {
      if (!responseStream) {
        const message = await firstOf(answers);
        call.sendMetadata(metadataOf(context.replyHeader));
        reply(null, message, metadataOf(context.replyTrailer));
        return;
      }
      let begun = false;
      for await (const message of answers) {
        if (!begun) call.sendMetadata(metadataOf(context.replyHeader));
        begun = true;
        call.write(message);
      }
      call.end(metadataOf(context.replyTrailer));
    } catch (error) {
      const status = statusOf(ConnectError.from(error));
      if (responseStream) call.emit("error", status);
      else reply(status);
    }
  };
}

function metadataOf(headers: Headers): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of headers) {
    metadata.set(name, name.endsWith("-bin") ? Buffer.from(value, "base64") : value);
  }
  return metadata;
}

function statusOf(error: ConnectError) {
  const metadata = metadataOf(error.metadata);
  const details = error.details.map((detail) =>
    "desc" in detail
      ? anyPack(detail.desc, create(detail.desc, detail.value))
      : { typeUrl: `type.googleapis.com/${detail.type}`, value: detail.value },
  );
  const status = create(StatusSchema, { code: error.code, message: error.rawMessage, details });
  metadata.set("grpc-status-details-bin", Buffer.from(toBinary(StatusSchema, status)));
  return { code: error.code, details: error.rawMessage, metadata };
}
