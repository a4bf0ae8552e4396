import {
  type AnyDesc,
  type DescExtension,
  type DescFile,
  type DescMessage,
  type DescService,
  toBinary,
} from "@bufbuild/protobuf";
import { nestedTypes } from "@bufbuild/protobuf/reflect";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";

/** Finds files by what they declare. Names are fully qualified, without a leading dot. */
export interface Descriptors {
  /** Full names of the services, sorted. */
  readonly services: readonly string[];
  file(name: string): DescFile | undefined;
  /** The file that declares a service, method, message, enum, enum value, field, oneof or extension. */
  fileOfSymbol(symbol: string): DescFile | undefined;
  /** The file that declares the extension of a message with a field number. */
  fileOfExtension(message: string, number: number): DescFile | undefined;
  /** Field numbers of the extensions of a message, ascending; undefined for an unknown message. */
  extensionNumbers(message: string): readonly number[] | undefined;
  /** The serialized `FileDescriptorProto`, options included. */
  bytesOf(file: DescFile): Uint8Array;
}

/** Indexes the services' files, further files, and everything that they import. */
export function indexDescriptors(
  services: readonly DescService[],
  further: readonly DescFile[],
): Descriptors {
  const files = new Map<string, DescFile>();
  const symbols = new Map<string, DescFile>();
  const extensions = new Map<string, Map<number, DescFile>>();
  const bytes = new Map<DescFile, Uint8Array>();
  for (const file of withImports([...services.map((service) => service.file), ...further])) {
    files.set(fileNameOf(file), file);
    for (const desc of nestedTypes(file)) {
      for (const symbol of symbolsOf(desc)) symbols.set(symbol, file);
      if (desc.kind === "message" && !extensions.has(desc.typeName)) extensions.set(desc.typeName, new Map());
      if (desc.kind === "extension") addExtension(extensions, desc);
    }
  }
  return {
    services: [...new Set(services.map(({ typeName }) => typeName))].sort(),
    file: (name) => files.get(name),
    fileOfSymbol: (symbol) => symbols.get(symbol),
    fileOfExtension: (message, number) => extensions.get(message)?.get(number),
    extensionNumbers: (message) => {
      const known = extensions.get(message);
      return known && [...known.keys()].sort((a, b) => a - b);
    },
    bytesOf: (file) => {
      const known = bytes.get(file) ?? toBinary(FileDescriptorProtoSchema, file.proto);
      bytes.set(file, known);
      return known;
    },
  };
}

/** The files and everything they import, each once, an importing file before what it imports. */
export function withImports(files: readonly DescFile[]): DescFile[] {
  const found = new Set(files);
  for (const file of found) for (const dependency of file.dependencies) found.add(dependency);
  return [...found];
}

/** The file's name as other files import it. */
export function fileNameOf(file: DescFile): string {
  return file.proto.name;
}

function addExtension(extensions: Map<string, Map<number, DescFile>>, extension: DescExtension): void {
  const { typeName } = extension.extendee;
  const numbers = extensions.get(typeName) ?? new Map<number, DescFile>();
  extensions.set(typeName, numbers.set(extension.number, extension.file));
}

function symbolsOf(desc: AnyDesc): string[] {
  switch (desc.kind) {
    case "service":
      return [desc.typeName, ...desc.methods.map(({ name }) => `${desc.typeName}.${name}`)];
    case "message":
      return [desc.typeName, ...membersOf(desc).map(({ name }) => `${desc.typeName}.${name}`)];
    case "enum": {
      // Values are siblings of their enum: their scope is the one around it.
      const scope = desc.typeName.slice(0, -desc.name.length);
      return [desc.typeName, ...desc.values.map(({ name }) => scope + name)];
    }
    case "extension":
      return [desc.typeName];
    default:
      return [];
  }
}

// Entries of map fields are nested messages that only the descriptor itself lists.
function membersOf({ fields, oneofs, proto }: DescMessage): readonly { readonly name: string }[] {
  return [...fields, ...oneofs, ...proto.nestedType];
}
