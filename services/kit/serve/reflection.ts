import type { DescFile, DescService } from "@bufbuild/protobuf";
import { Code, type ServiceImpl } from "@connectrpc/connect";
import type { ServerReflection } from "#gen/ts/grpc/reflection/v1/reflection_pb.js";
import type { ServerReflection as ServerReflectionAlpha } from "#gen/ts/grpc/reflection/v1alpha/reflection_pb.js";
import { type Descriptors, fileNameOf, indexDescriptors, withImports } from "./descriptors.js";

/** A question in the shape that both versions share. */
interface Question {
  readonly host: string;
  readonly messageRequest:
    | { readonly case: "fileByFilename"; readonly value: string }
    | { readonly case: "fileContainingSymbol"; readonly value: string }
    | { readonly case: "allExtensionNumbersOfType"; readonly value: string }
    | { readonly case: "listServices"; readonly value: string }
    | {
        readonly case: "fileContainingExtension";
        readonly value: { readonly containingType: string; readonly extensionNumber: number };
      }
    | { readonly case: undefined };
}

/**
 * Server reflection v1 and v1alpha over the given services, everything their files import, and
 * `further` files, such as those of error details. A file comes with all it imports; within one
 * stream an import is sent once. Unknown names are answered with an error response of code
 * NOT_FOUND, and the stream goes on.
 */
export function createReflection(services: readonly DescService[], further: readonly DescFile[] = []) {
  const descriptors = indexDescriptors(services, further);
  async function* answer<Q extends Question>(questions: AsyncIterable<Q>) {
    const sent = new Set<DescFile>();
    for await (const question of questions) {
      yield {
        validHost: question.host,
        originalRequest: question,
        messageResponse: respond(descriptors, question.messageRequest, sent),
      };
    }
  }
  return {
    v1: { serverReflectionInfo: (questions) => answer(questions) } satisfies ServiceImpl<
      typeof ServerReflection
    >,
    v1alpha: { serverReflectionInfo: (questions) => answer(questions) } satisfies ServiceImpl<
      typeof ServerReflectionAlpha
    >,
  };
}

function respond(descriptors: Descriptors, question: Question["messageRequest"], sent: Set<DescFile>) {
  switch (question.case) {
    case "fileByFilename":
      return filesFrom(descriptors, descriptors.file(question.value), sent, question.value);
    case "fileContainingSymbol":
      return filesFrom(descriptors, descriptors.fileOfSymbol(question.value), sent, question.value);
    case "fileContainingExtension": {
      const { containingType, extensionNumber } = question.value;
      const file = descriptors.fileOfExtension(containingType, extensionNumber);
      return filesFrom(descriptors, file, sent, `extension ${extensionNumber} of ${containingType}`);
    }
    case "allExtensionNumbersOfType":
      return extensionNumbers(descriptors, question.value);
    case "listServices": {
      const service = descriptors.services.map((name) => ({ name }));
      return { case: "listServicesResponse", value: { service } } as const;
    }
    case undefined:
      return failure(Code.InvalidArgument, "The request asks for nothing.");
  }
}

function filesFrom(
  descriptors: Descriptors,
  file: DescFile | undefined,
  sent: Set<DescFile>,
  wanted: string,
) {
  if (!file) return failure(Code.NotFound, `There is no ${wanted}.`);
  const imports = withImports([file])
    .slice(1)
    .filter((dependency) => !sent.has(dependency))
    .sort((a, b) => (fileNameOf(a) < fileNameOf(b) ? -1 : 1));
  const files = [file, ...imports];
  for (const each of files) sent.add(each);
  return {
    case: "fileDescriptorResponse",
    value: { fileDescriptorProto: files.map(descriptors.bytesOf) },
  } as const;
}

function extensionNumbers(descriptors: Descriptors, message: string) {
  const numbers = descriptors.extensionNumbers(message);
  if (!numbers) return failure(Code.NotFound, `There is no message ${message}.`);
  const value = { baseTypeName: message, extensionNumber: [...numbers] };
  return { case: "allExtensionNumbersResponse", value } as const;
}

function failure(code: Code, errorMessage: string) {
  return { case: "errorResponse", value: { errorCode: code as number, errorMessage } } as const;
}
