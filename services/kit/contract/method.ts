import { type DescMethod, type DescService, getOption, hasOption } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import {
  type AuditClass,
  type ErrorFormat,
  type MethodPolicy,
  method as methodOption,
  type RateClass,
  type ServicePolicy,
  service as serviceOption,
} from "#gen/ts/consciousness/contract/v1/contract_pb.js";
import type { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { http } from "#gen/ts/google/api/annotations_pb.js";
import { type AuditTarget, auditProblems, auditTargetOf } from "./audit-target.js";

/** Who may call a method. */
export type Access =
  | { readonly kind: "public" }
  | { readonly kind: "signed-in" }
  | { readonly kind: "permission"; readonly permission: Permission };

/** A method with its policy, resolved once. */
export interface MethodContract {
  readonly method: DescMethod;
  /** `consciousness.agents.v1.AgentsService/GetAgent`. */
  readonly name: string;
  /** The process that serves it; undefined when every process does. */
  readonly workload: Workload | undefined;
  readonly access: Access;
  readonly callers: ReadonlySet<Workload>;
  /** Upper bound of a call in milliseconds; undefined for streams of operators. */
  readonly deadlineMs: number | undefined;
  readonly rate: RateClass;
  readonly audit: AuditClass;
  /** What a call acts on, for its audit record; absent where the contract names nothing. */
  readonly auditTarget?: AuditTarget | undefined;
  /** Whether nothing but a person's session will do. */
  readonly sessionOnly?: boolean;
  /** Whether its errors over REST have the form of RFC 6749 too. */
  readonly oauthErrors?: boolean;
  /** Whether a second call has no further effect, so that it may be retried. */
  readonly idempotent: boolean;
  readonly noSideEffects: boolean;
  readonly ignoreUnknownFields: boolean;
  /** The form of its errors over REST. */
  readonly errorFormat?: ErrorFormat;
  /** How long answers may be kept; absent when they are revalidated before each use. */
  readonly cache?: MethodCache | undefined;
  /** Whether the gateway forwards calls from outside to it. */
  readonly forwarded: boolean;
}

/** How long a method's answers may be kept. */
export interface MethodCache {
  readonly maxAgeMs: number;
  /** Types of aggregates whose events end what the gateway keeps. */
  readonly clearedBy: readonly string[];
}

/** Methods resolved from a contract, with everything that is wrong with it. */
export interface ResolvedContract {
  readonly methods: ReadonlyMap<DescMethod, MethodContract>;
  readonly problems: readonly string[];
}

/** The contract cannot be served; lists every offender. */
export class ContractError extends Error {
  override readonly name = "ContractError";

  constructor(readonly problems: readonly string[]) {
    super(`the contract cannot be served:\n${problems.map((problem) => `  ${problem}`).join("\n")}`);
  }
}

/** Resolves the policy of every method, and names all that have none or a wrong one. */
export function resolveContract(services: Iterable<DescService>): ResolvedContract {
  const methods = new Map<DescMethod, MethodContract>();
  const problems: string[] = [];
  for (const service of services) {
    const servicePolicy = getOption(service, serviceOption);
    for (const method of service.methods) {
      const resolved = resolveMethod(method, servicePolicy);
      problems.push(...resolved.problems.map((problem) => `${methodName(method)}: ${problem}`));
      if (resolved.contract) methods.set(method, resolved.contract);
    }
  }
  return { methods, problems };
}

/** `consciousness.agents.v1.AgentsService/GetAgent`. */
export function methodName(method: DescMethod): string {
  return `${method.parent.typeName}/${method.name}`;
}

function resolveMethod(method: DescMethod, servicePolicy: ServicePolicy) {
  const policy = getOption(method, methodOption);
  const access = resolveAccess(policy);
  const callers = new Set(policy.callers.length > 0 ? policy.callers : servicePolicy.callers);
  const deadlineMs = policy.deadlineMs ?? servicePolicy.deadlineMs;
  const problems = [
    ...(access ? [] : ["has no access; state public, signed_in or permission (false is none)"]),
    ...workloadProblems(servicePolicy),
    ...(deadlineMs > 0 ? [] : ["has no deadline_ms"]),
    ...(callers.size > 0 ? [] : ["has no callers"]),
    // A caller that proves nothing is UNSPECIFIED, so naming it would admit everybody.
    ...(callers.has(Workload.UNSPECIFIED) ? ["names WORKLOAD_UNSPECIFIED as a caller"] : []),
    ...(hasOption(method, http) && (!callers.has(Workload.GATEWAY) || policy.internal)
      ? ["has an HTTP rule, but the gateway may not forward to it"]
      : []),
    ...(policy.sessionOnly && policy.access.case === "public" ? ["asks for a session, but is public"] : []),
    ...cacheProblems(method, policy),
    ...auditProblems(method, policy),
  ];
  if (!access || problems.length > 0) return { problems, contract: undefined };
  const contract: MethodContract = {
    method,
    name: methodName(method),
    workload: servicePolicy.everyWorkload ? undefined : servicePolicy.workload,
    access,
    callers,
    deadlineMs: method.methodKind === "unary" ? deadlineMs : undefined,
    rate: policy.rate,
    audit: policy.audit,
    auditTarget: auditTargetOf(method, policy),
    sessionOnly: policy.sessionOnly,
    oauthErrors: policy.oauthErrors,
    idempotent: method.idempotency !== MethodOptions_IdempotencyLevel.IDEMPOTENCY_UNKNOWN,
    noSideEffects: method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS,
    ignoreUnknownFields: policy.ignoreUnknownFields,
    errorFormat: policy.errorFormat,
    cache: policy.cache && {
      maxAgeMs: policy.cache.maxAgeSeconds * 1000,
      clearedBy: policy.cache.clearedBy,
    },
    forwarded: callers.has(Workload.GATEWAY) && !policy.internal,
  };
  return { problems, contract };
}

function resolveAccess({ access }: MethodPolicy): Access | undefined {
  switch (access.case) {
    case "public":
      return access.value ? { kind: "public" } : undefined;
    case "signedIn":
      return access.value ? { kind: "signed-in" } : undefined;
    case "permission":
      return access.value === 0 ? undefined : { kind: "permission", permission: access.value };
    default:
      return undefined;
  }
}

function cacheProblems(method: DescMethod, { cache, access }: MethodPolicy): string[] {
  if (!cache) return [];
  const readsOnce =
    method.methodKind === "unary" && method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
  return [
    ...(readsOnce ? [] : ["has a cache policy, but is no unary method without side effects"]),
    ...(cache.maxAgeSeconds > 0 ? [] : ["has a cache policy without max_age_seconds"]),
    ...(cache.clearedBy.length > 0 && access.case !== "public"
      ? ["says what clears the gateway's cache, which keeps answers of public methods alone"]
      : []),
  ];
}

function workloadProblems(policy: ServicePolicy): string[] {
  const stated = policy.workload !== Workload.UNSPECIFIED;
  return stated === policy.everyWorkload ? ["its service needs either a workload or every_workload"] : [];
}
