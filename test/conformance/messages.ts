import { readFileSync } from "node:fs";
import {
  createFileRegistry,
  type DescMessage,
  type DescService,
  fromBinary,
  type Message,
} from "@bufbuild/protobuf";
import { type Any, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

/** Where `npm run test:conformance` leaves what it fetches and compiles, from the package root. */
export const conformanceFolder = ".build/conformance";

const image = readFileSync(`${conformanceFolder}/image.binpb`);

/** The suite's contract, compiled when the suite is fetched; no types are generated from it. */
export const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, image));

const prefix = "connectrpc.conformance.v1.";

export const conformanceService: DescService = registry.getService(`${prefix}ConformanceService`)!;

/** A message of the suite by its short name. */
export function suiteMessage(name: string): DescMessage {
  const found = registry.getMessage(prefix + name);
  if (!found) throw new Error(`the suite has no message ${name}`);
  return found;
}

/** The fields of the suite's messages that a server under test reads or writes. */
export interface Header {
  readonly name: string;
  readonly value: string[];
}

export interface SuiteError {
  readonly code: number;
  readonly message?: string;
  readonly details: Any[];
}

export interface UnaryDefinition {
  readonly responseHeaders: Header[];
  readonly responseTrailers: Header[];
  readonly responseDelayMs: number;
  readonly response:
    | { readonly case: "responseData"; readonly value: Uint8Array }
    | { readonly case: "error"; readonly value: SuiteError }
    | { readonly case: undefined };
}

export interface StreamDefinition {
  readonly responseHeaders: Header[];
  readonly responseTrailers: Header[];
  readonly responseDelayMs: number;
  readonly responseData: Uint8Array[];
  readonly error?: SuiteError;
}

export interface UnaryRequest extends Message {
  readonly responseDefinition?: UnaryDefinition;
}

export interface StreamRequest extends Message {
  readonly responseDefinition?: StreamDefinition;
  readonly fullDuplex?: boolean;
}

/** What the runner asks of a server before it starts. */
export interface ServerRequest extends Message {
  readonly useTls: boolean;
  readonly clientTlsCert: Uint8Array;
  readonly messageReceiveLimit: number;
  readonly serverCreds?: { readonly cert: Uint8Array; readonly key: Uint8Array };
}
