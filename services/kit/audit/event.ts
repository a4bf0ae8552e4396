import type { ConnectError } from "@connectrpc/connect";
import { SubjectKind } from "#gen/ts/consciousness/auth/v1/subjects_service_pb.js";
import { AuditClass } from "#gen/ts/consciousness/contract/v1/contract_pb.js";
import { Code } from "#gen/ts/google/rpc/code_pb.js";
import { ErrorInfoSchema } from "#gen/ts/google/rpc/error_details_pb.js";
import type { Arrival } from "../chain/arrival.js";
import { callerOfCertificate } from "../chain/mesh-identity.js";
import type { Call } from "../context.js";
import type { MethodContract } from "../contract/method.js";
import { errorDomain } from "../errors.js";
import { newId } from "../ids.js";
import type { Actor } from "./actor.js";

/** An event that is to be recorded. */
export interface NewAuditEvent {
  /** Name of the account that the call was about, in place of the target; empty for none. */
  readonly accountName: string;
  /** Name of the tenant that a call without a principal was about; empty for none. */
  readonly tenantName: string;
  /** Id of the account that such a call was answered with; empty for none. */
  readonly accountId: string;
  readonly event: AuditDetails;
}

/** What an event says; its time is its id's. */
export interface AuditDetails {
  readonly id: string;
  readonly actor: Actor | undefined;
  readonly method: string;
  readonly auditClass: AuditClass;
  readonly target: string;
  readonly address: string;
  readonly userAgent: string;
  readonly code: Code;
  readonly reason: string;
  readonly requestId: string;
  readonly count: number;
}

/** What is known of a call when it is over. */
export interface CallFacts {
  readonly call: Call;
  /** Who did it; undefined for nobody. */
  readonly actor: Actor | undefined;
  /** The request; undefined for streams. */
  readonly message: unknown;
  readonly answer: unknown;
  readonly error: ConnectError | undefined;
  readonly arrival: Arrival | undefined;
}

const longestTarget = 256;
const longestAddress = 64;
const longestTenant = 64;
/** Whom people mean that name no tenant. */
const unnamedTenant = "default";

/** The audit event of a call. It has no secret: no password, no token, no name of an account but for its hash. */
export function eventOf(contract: MethodContract, facts: CallFacts): NewAuditEvent {
  const { call, error, arrival, actor } = facts;
  const { reason = "", metadata = {} } = infoOf(error) ?? {};
  const isStranger = reason === "CALLER_NOT_ALLOWED";
  const stranger = isStranger ? strangerOf(metadata.caller, arrival) : undefined;
  // For whom it calls, a stranger may say what it likes.
  const client = isStranger ? undefined : call.client;
  const target = targetOf(contract, facts, metadata);
  const isName = target !== "" && isNameOfAccount(contract, error);
  const isNobodys = isForAnybody(contract) && !stranger && !actor;
  return {
    accountName: isName ? target : "",
    tenantName: isName || isNobodys ? tenantNameOf(facts.message) : "",
    // What the request says of it, anybody may say.
    accountId: isNobodys ? (contract.auditTarget?.read(undefined, facts.answer) ?? "") : "",
    event: {
      id: newId(),
      actor: stranger ?? actor,
      method: contract.name,
      auditClass: contract.audit,
      target: isName ? "" : target,
      address: bounded(client?.address || arrival?.clientAddress || "", longestAddress),
      userAgent: client?.agent ?? "",
      // google.rpc.Code and Connect's Code have the same numbers.
      code: error ? (error.code as number as Code) : Code.OK,
      reason,
      requestId: call.requestId,
      count: 1,
    },
  };
}

/** Who fails to sign in may have named anything, a password too. */
function isNameOfAccount({ auditTarget, access }: MethodContract, error: ConnectError | undefined): boolean {
  return auditTarget?.confidential === true || (access.kind === "public" && error !== undefined);
}

function isForAnybody({ access, audit }: MethodContract): boolean {
  return access.kind === "public" && audit !== AuditClass.UNSPECIFIED;
}

function infoOf(error: ConnectError | undefined) {
  return error?.findDetails(ErrorInfoSchema).find(({ domain }) => domain === errorDomain);
}

/** Of an error that names what the contract names, such as a blocked decision, what it names. */
function targetOf(
  { auditTarget }: MethodContract,
  { message, answer }: CallFacts,
  metadata: Readonly<Record<string, string>>,
): string {
  if (!auditTarget) return "";
  return bounded(auditTarget.read(message, answer) || metadata[auditTarget.name] || "", longestTarget);
}

/** The workload that may not call, as it has proved or as its certificate says. */
function strangerOf(workload: string | undefined, arrival: Arrival | undefined): Actor | undefined {
  const certificate = arrival?.meshIdentity;
  const proved = workload === "nobody" ? undefined : workload;
  const subject = proved ?? (certificate === undefined ? undefined : callerOfCertificate(certificate));
  if (subject === undefined) return undefined;
  const nothing = { tenantId: "", homeTenantId: "", sessionId: "", apiKeyId: "" };
  return { kind: SubjectKind.WORKLOAD, subject: bounded(subject, longestTarget), ...nothing };
}

/** Methods that are about one tenant have its name as `tenant`; who names none but has an invitation means its tenant. */
function tenantNameOf(message: unknown): string {
  const { tenant, invitationToken } = (message ?? {}) as { tenant?: unknown; invitationToken?: unknown };
  if (typeof tenant !== "string") return "";
  if (tenant !== "") return bounded(tenant, longestTenant);
  return invitationToken ? "" : unnamedTenant;
}

/** What was refused by its form comes here too, and a database keeps no NUL. */
function bounded(text: string, length: number): string {
  return text.slice(0, length).replace(/\p{Cc}/gu, "?");
}
