import {
  type DescEnumValue,
  type DescExtension,
  type DescMethod,
  type DescService,
  type FileRegistry,
  getOption,
  type JsonObject,
  type JsonValue,
  toJson,
} from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as Idempotency } from "@bufbuild/protobuf/wkt";

/** A process of the catalogue. */
export interface ImageWorkload {
  /** `engine`. */
  readonly name: string;
  readonly port: number;
  /** `database`. */
  readonly stores: readonly string[];
  /** Hosts outside the mesh that it calls. */
  readonly hosts: readonly string[];
}

/** One way to call a method over REST. */
export interface HttpRule {
  /** `GET`. */
  readonly verb: string;
  /** `/api/v1/agents/{id}`. */
  readonly path: string;
}

/** What the mesh must know about a method. */
export interface ImageMethod {
  readonly service: string;
  readonly name: string;
  /** `/consciousness.agents.v1.AgentsService/GetAgent`. */
  readonly path: string;
  /** The process that serves it; undefined when every process does. */
  readonly workload: string | undefined;
  readonly callers: readonly string[];
  /** Upper bound of a call in milliseconds; undefined for streams. */
  readonly deadlineMs: number | undefined;
  readonly idempotent: boolean;
  /** Whether Connect may call it with GET. */
  readonly noSideEffects: boolean;
  /** Whether the gateway offers it to everybody outside. */
  readonly forwarded: boolean;
  /** What kind of audit record a call leaves: `decision`; empty for none. */
  readonly audit: string;
  /** Whether its answer is a stream. */
  readonly streams: boolean;
  /** The form of its errors over REST: `openai`; empty for problems. */
  readonly errorFormat: string;
  readonly http: readonly HttpRule[];
}

/** The contract as an image states it. */
export interface ImageContract {
  readonly workloads: readonly ImageWorkload[];
  readonly methods: readonly ImageMethod[];
}

const contractPackage = "consciousness.contract.v1";
const verbs = ["get", "put", "post", "delete", "patch"] as const;

/**
 * Reads workloads and methods from an image alone: the generated code may be
 * older than the contract when generators run. Services without a policy, such
 * as gRPC's own, are left out.
 */
export function readContract(image: FileRegistry): ImageContract {
  const options = {
    service: extension(image, `${contractPackage}.service`),
    method: extension(image, `${contractPackage}.method`),
    workload: extension(image, `${contractPackage}.workload`),
    http: extension(image, "google.api.http"),
  };
  const catalogue = image.getEnum(`${contractPackage}.Workload`)?.values ?? [];
  const services = [...image].filter((type): type is DescService => type.kind === "service");
  return {
    workloads: catalogue
      .filter(({ number }) => number !== 0)
      .map((value) => readWorkload(value, readOption(options.workload, value))),
    methods: services
      .map((service) => ({ service, policy: readOption(options.service, service) }))
      .filter(({ policy }) => Object.keys(policy).length > 0)
      .flatMap(({ service, policy }) =>
        service.methods.map((method) =>
          readMethod(method, policy, readOption(options.method, method), readOption(options.http, method)),
        ),
      )
      .sort((a, b) => (a.path < b.path ? -1 : 1)),
  };
}

/** What an error reason means on the wire. */
export interface ImageError {
  /** `FAILED_PRECONDITION`. */
  readonly code: string;
  /** The status over REST where it is not the code's own. */
  readonly http: number | undefined;
}

/** Reads a reason of the error catalogue. Throws when there is none. */
export function readError(image: FileRegistry, reason: string): ImageError {
  const value = image
    .getEnum(`${contractPackage}.ErrorReason`)
    ?.values.find(({ localName }) => localName === reason);
  if (!value) throw new Error(`the image has no error ${reason}`);
  const { code, http } = readOption(extension(image, `${contractPackage}.error`), value);
  return { code: String(code), http: http === undefined ? undefined : Number(http) };
}

function readWorkload({ name }: DescEnumValue, profile: JsonObject): ImageWorkload {
  return {
    name: shortName("WORKLOAD_", name),
    port: Number(profile.port),
    stores: texts(profile.stores).map((store) => shortName("STORE_", store)),
    hosts: texts(profile.hosts),
  };
}

function readMethod(
  method: DescMethod,
  service: JsonObject,
  policy: JsonObject,
  http: JsonObject,
): ImageMethod {
  const stated = texts(policy.callers);
  const callers = (stated.length > 0 ? stated : texts(service.callers)).map((name) =>
    shortName("WORKLOAD_", name),
  );
  const unary = method.methodKind === "unary";
  return {
    service: method.parent.typeName,
    name: method.name,
    path: `/${method.parent.typeName}/${method.name}`,
    workload: service.everyWorkload ? undefined : shortName("WORKLOAD_", String(service.workload)),
    callers,
    deadlineMs: unary ? Number(policy.deadlineMs ?? service.deadlineMs) : undefined,
    idempotent: method.idempotency !== Idempotency.IDEMPOTENCY_UNKNOWN,
    noSideEffects: method.idempotency === Idempotency.NO_SIDE_EFFECTS,
    forwarded: callers.includes("gateway") && policy.internal !== true,
    audit: shortName("AUDIT_CLASS_", String(policy.audit ?? "")),
    streams: !unary,
    errorFormat: shortName("ERROR_FORMAT_", String(policy.errorFormat ?? "")),
    http: readHttpRules(http),
  };
}

function readHttpRules(rule: JsonObject): HttpRule[] {
  const own = verbs.flatMap((verb) => {
    const path = rule[verb];
    return typeof path === "string" ? [{ verb: verb.toUpperCase(), path }] : [];
  });
  const more = Array.isArray(rule.additionalBindings) ? rule.additionalBindings : [];
  return [...own, ...more.flatMap((binding) => readHttpRules(binding as JsonObject))];
}

function extension(image: FileRegistry, name: string): DescExtension {
  const found = image.getExtension(name);
  if (!found?.message) throw new Error(`the image has no ${name}`);
  return found;
}

function readOption(option: DescExtension, element: DescService | DescMethod | DescEnumValue): JsonObject {
  return toJson(option.message!, getOption(element, option) as never) as JsonObject;
}

function texts(value: JsonValue | undefined): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function shortName(prefix: string, name: string): string {
  return name.slice(prefix.length).toLowerCase();
}
