import { fromBinary } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { ServerReflection } from "#gen/ts/grpc/reflection/v1/reflection_pb.js";
import { ServerReflection as ServerReflectionAlpha } from "#gen/ts/grpc/reflection/v1alpha/reflection_pb.js";
import { UsageError } from "../../kit/usage-error.js";
import { type Contract, linkFiles } from "./descriptors.js";

const answerTimeoutMs = 10_000;
const mostFiles = 10_000;

type Question =
  | { readonly case: "listServices"; readonly value: string }
  | { readonly case: "fileContainingSymbol"; readonly value: string }
  | { readonly case: "fileByFilename"; readonly value: string };

type Ask = (question: Question) => Promise<Answer>;

interface Answer {
  readonly services: readonly string[];
  readonly files: readonly Uint8Array[];
  /** Why there is none. */
  readonly problem: string | undefined;
}

/** Reads the contract of an upstream's services by reflection, v1 or v1alpha. Throws UsageError when it offers neither. */
export async function reflectDescriptors(transport: Transport): Promise<Contract> {
  const { ask, services } = await firstThatAnswers(transport);
  const files = new Map<string, FileDescriptorProto>();
  const add = (answer: Answer): void => {
    for (const bytes of answer.files) {
      const file = fromBinary(FileDescriptorProtoSchema, bytes);
      files.set(file.name, file);
    }
    if (files.size > mostFiles)
      throw new UsageError(`the upstream's contract has more than ${mostFiles} files`);
  };
  for (const service of services) {
    if (service.startsWith("grpc.reflection.")) continue;
    const answer = await ask({ case: "fileContainingSymbol", value: service });
    if (answer.problem !== undefined) {
      throw new UsageError(`the upstream's reflection lacks ${service}: ${answer.problem}`);
    }
    add(answer);
  }
  // A server may send a file without what it imports.
  const asked = new Set<string>();
  for (;;) {
    const missing = [...files.values()]
      .flatMap(({ dependency }) => dependency)
      .find((name) => !files.has(name) && !asked.has(name));
    if (missing === undefined) return contractOf([...files.values()], services);
    asked.add(missing);
    add(await ask({ case: "fileByFilename", value: missing }));
  }
}

function contractOf(files: readonly FileDescriptorProto[], names: readonly string[]): Contract {
  const registry = linkFiles(files);
  const services = names.map((name) => registry.getService(name)).filter((service) => service !== undefined);
  return { registry, services };
}

async function firstThatAnswers(transport: Transport): Promise<{ ask: Ask; services: readonly string[] }> {
  let failure: unknown;
  for (const service of [ServerReflection, ServerReflectionAlpha]) {
    const ask = asker(transport, service);
    try {
      const { services } = await ask({ case: "listServices", value: "*" });
      return { ask, services };
    } catch (error) {
      failure = error;
      if (ConnectError.from(error).code !== Code.Unimplemented) break;
    }
  }
  const { rawMessage, code } = ConnectError.from(failure);
  const offered = code === Code.Unimplemented ? "does not offer reflection" : "does not answer reflection";
  throw new UsageError(`the upstream ${offered}: ${rawMessage}`, { cause: failure });
}

/** One stream for each question: simpler servers answer only the first of a stream. */
function asker(transport: Transport, service: typeof ServerReflection | typeof ServerReflectionAlpha): Ask {
  const client = createClient(service as typeof ServerReflection, transport);
  return async (messageRequest) => {
    const answers = client.serverReflectionInfo(only({ messageRequest }), { timeoutMs: answerTimeoutMs });
    for await (const { messageResponse: answer } of answers) {
      return {
        services: answer.case === "listServicesResponse" ? answer.value.service.map(({ name }) => name) : [],
        files: answer.case === "fileDescriptorResponse" ? answer.value.fileDescriptorProto : [],
        problem: answer.case === "errorResponse" ? answer.value.errorMessage : undefined,
      };
    }
    throw new ConnectError("the stream ended without an answer", Code.Unavailable);
  };
}

async function* only<T>(value: T) {
  yield value;
}
