import {
  create,
  createFileRegistry,
  fromBinary,
  getOption,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { Client, credentials, type ServiceError } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SystemService } from "#gen/ts/consciousness/system/v1/system_service_pb.js";
import { http } from "#gen/ts/google/api/annotations_pb.js";
import { file_google_rpc_error_details } from "#gen/ts/google/rpc/error_details_pb.js";
import {
  Health,
  HealthCheckRequestSchema,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as Status,
} from "#gen/ts/grpc/health/v1/health_pb.js";
import * as v1 from "#gen/ts/grpc/reflection/v1/reflection_pb.js";
import * as v1alpha from "#gen/ts/grpc/reflection/v1alpha/reflection_pb.js";
import { systemClock } from "../../../services/kit/clock.js";
import { createHealth } from "../../../services/kit/serve/health.js";
import type { Listener } from "../../../services/kit/serve/listen.js";
import { createReadiness } from "../../../services/kit/serve/readiness.js";
import { createReflection } from "../../../services/kit/serve/reflection.js";
import { serve } from "./clients.js";

type Question = NonNullable<MessageInitShape<typeof v1.ServerReflectionRequestSchema>["messageRequest"]>;

let listener: Listener;
let client: Client;

beforeAll(async () => {
  const services = [SystemService, Health, v1.ServerReflection, v1alpha.ServerReflection];
  const reflection = createReflection(services, [file_google_rpc_error_details]);
  const readiness = createReadiness({ dependencies: [], clock: systemClock });
  const handler = connectNodeAdapter({
    routes: (router) => {
      router.service(Health, createHealth({ readiness, services: [SystemService.typeName] }));
      router.service(v1.ServerReflection, reflection.v1);
      router.service(v1alpha.ServerReflection, reflection.v1alpha);
    },
  });
  ({ listener } = await serve({
    handler: (request, response) => handler(request as never, response as never),
  }));
  client = new Client(`127.0.0.1:${listener.port}`, credentials.createInsecure());
});

afterAll(async () => {
  client.close();
  await listener.drain(1_000);
});

/** Asks all questions on one stream of a gRPC client and returns the answers. */
function ask(
  version: typeof v1 | typeof v1alpha,
  ...questions: Question[]
): Promise<v1.ServerReflectionResponse[]> {
  const stream = client.makeBidiStreamRequest(
    `/${version.ServerReflection.typeName}/ServerReflectionInfo`,
    (question: Question) => {
      const message = create(v1.ServerReflectionRequestSchema, { host: "here", messageRequest: question });
      return Buffer.from(toBinary(v1.ServerReflectionRequestSchema, message));
    },
    (bytes) => fromBinary(v1.ServerReflectionResponseSchema, bytes),
  );
  for (const question of questions) stream.write(question);
  stream.end();
  const answers: v1.ServerReflectionResponse[] = [];
  return new Promise((resolve, reject) => {
    stream.on("data", (answer) => answers.push(answer));
    stream.on("error", reject).on("end", () => resolve(answers));
  });
}

function filesOf(answer: v1.ServerReflectionResponse | undefined): FileDescriptorProto[] {
  if (answer?.messageResponse.case !== "fileDescriptorResponse") throw new Error("not an answer with files");
  return answer.messageResponse.value.fileDescriptorProto.map((b) =>
    fromBinary(FileDescriptorProtoSchema, b),
  );
}

async function fileOf(symbol: string): Promise<string | undefined> {
  const [answer] = await ask(v1, { case: "fileContainingSymbol", value: symbol });
  return filesOf(answer)[0]?.name;
}

describe("a gRPC client", () => {
  it("checks the health over clear text", async () => {
    const { status } = await new Promise<{ status: Status }>((resolve, reject) => {
      client.makeUnaryRequest(
        `/${Health.typeName}/Check`,
        (request: MessageInitShape<typeof HealthCheckRequestSchema>) =>
          Buffer.from(toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema, request))),
        (bytes) => fromBinary(HealthCheckResponseSchema, bytes),
        { service: SystemService.typeName },
        (error: ServiceError | null, response) => (response ? resolve(response) : reject(error)),
      );
    });
    expect(status).toBe(Status.SERVING);
  });
});

describe.each([
  ["v1", v1],
  ["v1alpha", v1alpha],
])("reflection %s", (_, version) => {
  it("lists the services in order, itself included", async () => {
    const [answer] = await ask(version, { case: "listServices", value: "" });
    expect(answer?.messageResponse).toMatchObject({
      case: "listServicesResponse",
      value: {
        service: [
          { name: "consciousness.system.v1.SystemService" },
          { name: "grpc.health.v1.Health" },
          { name: "grpc.reflection.v1.ServerReflection" },
          { name: "grpc.reflection.v1alpha.ServerReflection" },
        ],
      },
    });
  });

  it("repeats the question and its host", async () => {
    const [answer] = await ask(version, { case: "listServices", value: "*" });
    expect(answer?.validHost).toBe("here");
    expect(answer?.originalRequest?.messageRequest).toEqual({ case: "listServices", value: "*" });
  });

  it("sends a file with everything it imports, from which a client can build the service", async () => {
    const [answer] = await ask(version, { case: "fileContainingSymbol", value: SystemService.typeName });
    const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: filesOf(answer).reverse() }));
    const rebuilt = registry.getService(SystemService.typeName);
    expect(rebuilt?.methods.map(({ name }) => name)).toEqual(SystemService.methods.map(({ name }) => name));
    const getReadiness = rebuilt?.method.getReadiness;
    expect(getReadiness && getOption(getReadiness, http).pattern).toEqual({ case: "get", value: "/readyz" });
  });

  it("answers NOT_FOUND for an unknown name and goes on with the stream", async () => {
    const answers = await ask(
      version,
      { case: "fileContainingSymbol", value: "consciousness.Missing" },
      { case: "fileByFilename", value: "missing.proto" },
      { case: "allExtensionNumbersOfType", value: "consciousness.Missing" },
      {
        case: "fileContainingExtension",
        value: { containingType: SystemService.typeName, extensionNumber: 1 },
      },
      { case: undefined },
      { case: "fileByFilename", value: "google/api/http.proto" },
    );
    expect(
      answers.map(({ messageResponse: { case: kind, value } }) => [
        kind,
        value && "errorCode" in value && value.errorCode,
      ]),
    ).toEqual([
      ["errorResponse", 5],
      ["errorResponse", 5],
      ["errorResponse", 5],
      ["errorResponse", 5],
      ["errorResponse", 3],
      ["fileDescriptorResponse", false],
    ]);
  });
});

describe("what reflection finds", () => {
  const system = "consciousness/system/v1/system_service.proto";
  it.each([
    ["a service", "consciousness.system.v1.SystemService", system],
    ["a method", "consciousness.system.v1.SystemService.GetHealth", system],
    ["a message", "consciousness.system.v1.GetStatusResponse", system],
    ["a field", "consciousness.system.v1.GetStatusResponse.uptime_seconds", system],
    ["an enum", "consciousness.system.v1.ServingStatus", system],
    ["a value, beside its enum", "consciousness.system.v1.SERVING_STATUS_SERVING", system],
    ["a nested enum", "grpc.health.v1.HealthCheckResponse.ServingStatus", "grpc/health/v1/health.proto"],
    [
      "a value of a nested enum",
      "grpc.health.v1.HealthCheckResponse.NOT_SERVING",
      "grpc/health/v1/health.proto",
    ],
    ["the entry of a map", "grpc.health.v1.HealthListResponse.StatusesEntry", "grpc/health/v1/health.proto"],
    ["a nested message", "google.rpc.BadRequest.FieldViolation", "google/rpc/error_details.proto"],
    ["a oneof", "google.api.HttpRule.pattern", "google/api/http.proto"],
    ["an extension", "google.api.http", "google/api/annotations.proto"],
    [
      "a message of a file that only a file imports",
      "google.protobuf.MethodOptions",
      "google/protobuf/descriptor.proto",
    ],
  ])("includes %s", async (_, symbol, file) => {
    expect(await fileOf(symbol)).toBe(file);
  });

  it("includes extensions by number, and the numbers in order", async () => {
    const answers = await ask(
      v1,
      { case: "allExtensionNumbersOfType", value: "google.protobuf.MethodOptions" },
      { case: "allExtensionNumbersOfType", value: "google.api.HttpRule" },
      {
        case: "fileContainingExtension",
        value: { containingType: "google.protobuf.MethodOptions", extensionNumber: http.number },
      },
    );
    expect(answers[0]?.messageResponse.value).toMatchObject({ extensionNumber: [50100, http.number] });
    expect(answers[1]?.messageResponse.value).toMatchObject({ extensionNumber: [] });
    expect(filesOf(answers[2])[0]?.name).toBe("google/api/annotations.proto");
  });

  it("sends an import once in a stream, and again in another", async () => {
    const question: Question = { case: "fileByFilename", value: "google/api/annotations.proto" };
    const [first, second] = await ask(v1, question, question);
    const [other] = await ask(v1, question);
    expect(filesOf(first).map(({ name }) => name)).toEqual([
      "google/api/annotations.proto",
      "google/api/http.proto",
      "google/protobuf/descriptor.proto",
    ]);
    expect(filesOf(second).map(({ name }) => name)).toEqual(["google/api/annotations.proto"]);
    expect(other?.messageResponse).toEqual(first?.messageResponse);
  });
});
