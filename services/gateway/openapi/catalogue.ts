import {
  type DescExtension,
  type DescMethod,
  type FileRegistry,
  getOption,
  type JsonObject,
  type JsonValue,
  toJson,
} from "@bufbuild/protobuf";
import { type Code, ConnectError } from "@connectrpc/connect";
import { CodeSchema } from "#gen/ts/google/rpc/code_pb.js";
import { statusOf } from "../transcode/problem.js";
import { commentOf } from "./comments.js";

/** A reason of the error catalogue, as REST answers it. */
export interface ReasonFacts {
  /** `AGENT_NOT_FOUND`. */
  readonly reason: string;
  readonly status: number;
  /** Name of the `google.rpc.Code`. */
  readonly code: string;
  /** With `{name}` for its parameters. */
  readonly message: string;
  readonly retryable: boolean;
  readonly description: string;
}

/** What callers must know of a method's policy. */
export interface PolicyFacts {
  readonly access: "public" | "signed-in" | "permission";
  /** `CONSCIOUSNESS_WRITE`; set with access by permission. */
  readonly permission: string | undefined;
  /** What calls count against: nothing, rates alone, or an account's quota and calls in progress too. */
  readonly counted: "not" | "rates" | "quotas";
  /** How long an answer stays good; absent when that must be asked before each use. */
  readonly maxAgeSeconds?: number;
  /** Its errors have the form that OpenAI's clients read. */
  readonly openaiErrors?: boolean;
  /** Its errors have the form of RFC 6749 too. */
  readonly oauthErrors?: boolean;
  /** Nothing but a person's session will do. */
  readonly sessionOnly?: boolean;
  /** It tells of a process, whose state does not last. */
  readonly transient?: boolean;
}

const contract = "consciousness.contract.v1";

/** The error catalogue of an image, by reason. Read from the image alone: generated code may be older. */
export function readCatalogue(image: FileRegistry): ReadonlyMap<string, ReasonFacts> {
  const option = extension(image, "error");
  const values = image.getEnum(`${contract}.ErrorReason`)?.values ?? [];
  return new Map(
    values
      .filter(({ number }) => number !== 0)
      .map((value) => {
        const spec = optionJson(option, getOption(value, option));
        const code = CodeSchema.values.find(({ name }) => name === spec.code)!;
        return [
          value.localName,
          {
            reason: value.localName,
            // google.rpc.Code and Connect's Code have the same numbers.
            status: Number(spec.http ?? statusOf(new ConnectError("", code.number as Code))),
            code: code.name,
            message: String(spec.message),
            retryable: spec.retryable === true,
            description: commentOf(value),
          },
        ];
      }),
  );
}

/** Reads the policy of an image's methods. */
export function policyReader(image: FileRegistry): (method: DescMethod) => PolicyFacts {
  const option = extension(image, "method");
  const serviceOption = extension(image, "service");
  return (method) => {
    const service = optionJson(serviceOption, getOption(method.parent, serviceOption));
    const policy = optionJson(option, getOption(method, option));
    const permission = typeof policy.permission === "string" ? policy.permission : undefined;
    return {
      access: permission ? "permission" : policy.public === true ? "public" : "signed-in",
      permission: permission?.replace(/^PERMISSION_/, ""),
      counted: countedBy(policy.rate),
      oauthErrors: policy.oauthErrors === true,
      sessionOnly: policy.sessionOnly === true,
      ...(isObject(policy.cache) && { maxAgeSeconds: Number(policy.cache.maxAgeSeconds) }),
      openaiErrors: policy.errorFormat === "ERROR_FORMAT_OPENAI",
      transient: service.everyWorkload === true,
    };
  };
}

const ratesAlone: readonly unknown[] = ["RATE_CLASS_SIGN_IN", "RATE_CLASS_USAGE"];

function countedBy(rate: JsonValue | undefined): PolicyFacts["counted"] {
  if (rate === undefined) return "not";
  return ratesAlone.includes(rate) ? "rates" : "quotas";
}

/** The sensitivity of an image's fields: `RESTRICTED`, or undefined where none is stated. */
export function dataClassReader(image: FileRegistry) {
  const option = image.getExtension(`${contract}.data`);
  const names = new Map(option?.enum?.values.map(({ number, localName }) => [number, localName]));
  return (field: Parameters<typeof commentOf>[0] & { kind: "field" }): string | undefined =>
    option && names.get(Number(getOption(field, option)));
}

function extension(image: FileRegistry, name: string): DescExtension {
  const found = image.getExtension(`${contract}.${name}`);
  if (!found?.message) throw new Error(`the image has no ${contract}.${name}`);
  return found;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function optionJson({ message }: DescExtension, value: unknown): JsonObject {
  return toJson(message!, value as never) as JsonObject;
}
