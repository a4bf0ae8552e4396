import { create, getOption } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import type { ErrorParams } from "#gen/contract/errors.js";
import { type ErrorSpec, error as errorOption } from "#gen/ts/consciousness/contract/v1/contract_pb.js";
import { ErrorReason, ErrorReasonSchema } from "#gen/ts/consciousness/contract/v1/error_reason_pb.js";
import {
  type BadRequest_FieldViolation,
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from "#gen/ts/google/rpc/error_details_pb.js";

/** `ErrorInfo.domain` of every error of ours. */
export const errorDomain = "consciousness.ai";

/** Name of a reason, as on the wire: `AGENT_NOT_FOUND`. */
export type Reason = keyof ErrorParams;

type Camel<S extends string> = S extends `${infer A}_${infer B}`
  ? `${Lowercase<A>}${Capitalize<Camel<B>>}`
  : Lowercase<S>;

type Errors = {
  readonly [R in keyof ErrorParams as Camel<R>]: Record<never, never> extends ErrorParams[R]
    ? (cause?: unknown) => ConnectError
    : (params: ErrorParams[R], cause?: unknown) => ConnectError;
};

/** What is known of an error that carries one of our reasons. */
export interface ErrorFacts {
  readonly reason: Reason;
  readonly spec: ErrorSpec;
}

const catalogue: ReadonlyMap<string, ErrorSpec> = new Map(
  ErrorReasonSchema.values
    .filter((value) => value.number !== ErrorReason.UNSPECIFIED)
    .map((value) => [value.localName, getOption(value, errorOption)]),
);

/**
 * Makes the errors of the catalogue: `throw errors.agentNotFound({ id })`. Each
 * fixes code, reason and message; `cause` is logged and never leaves.
 */
export const errors = Object.fromEntries(
  [...catalogue].map(([reason, spec]) => [camel(reason), maker(reason, spec)]),
) as unknown as Errors;

/** The reason that an error carries and what the catalogue says of it; undefined for foreign errors. */
export function errorFacts(error: ConnectError): ErrorFacts | undefined {
  const info = error.findDetails(ErrorInfoSchema).find((detail) => detail.domain === errorDomain);
  const spec = info && catalogue.get(info.reason);
  return info && spec ? { reason: info.reason as Reason, spec } : undefined;
}

/** VALIDATION_FAILED with each broken field, as `google.rpc.BadRequest`. */
export function validationFailed(
  violations: readonly { field: string; description: string }[],
): ConnectError {
  const problems = violations.map(({ field, description }) =>
    field ? `${field}: ${description}` : description,
  );
  const error = errors.validationFailed({ problems: problems.join("; ") });
  error.details.push({
    desc: BadRequestSchema,
    value: create(BadRequestSchema, {
      fieldViolations: violations.map((violation) => violation as BadRequest_FieldViolation),
    }),
  });
  return error;
}

/** The error with the time to come back, in milliseconds, as `google.rpc.RetryInfo`; over REST it is `Retry-After`. */
export function withRetryInfo(error: ConnectError, delayMs: number): ConnectError {
  const value = create(RetryInfoSchema, { retryDelay: durationFromMs(delayMs) });
  error.details.push({ desc: RetryInfoSchema, value });
  return error;
}

/** A code as Connect writes it: `permission_denied`. For logs, metrics and spans. */
export function codeName(code: Code): string {
  return (Code[code] ?? "Unknown").replace(/(?!^)[A-Z]/g, "_$&").toLowerCase();
}

function maker(reason: string, spec: ErrorSpec) {
  const hasParams = spec.message.includes("{");
  return (first?: unknown, second?: unknown): ConnectError => {
    const params = hasParams ? (first as Record<string, string | number>) : {};
    const cause = hasParams ? second : first;
    const metadata = Object.fromEntries(Object.entries(params).map(([name, value]) => [name, String(value)]));
    const message = spec.message.replace(/\{(\w+)\}/g, (_, name: string) => metadata[name] ?? "");
    const info = {
      desc: ErrorInfoSchema,
      value: create(ErrorInfoSchema, { reason, domain: errorDomain, metadata }),
    };
    // google.rpc.Code and Connect's Code have the same numbers.
    return new ConnectError(message, spec.code as number as Code, undefined, [info], cause);
  };
}

function camel(reason: string): string {
  return reason.toLowerCase().replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
