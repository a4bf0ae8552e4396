import type { OutgoingHttpHeaders } from "node:http";
import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { DataClass } from "#gen/ts/consciousness/contract/v1/contract_pb.js";
import { dataClassOf } from "../../kit/contract/data-class.js";
import type { MethodContract } from "../../kit/contract/method.js";

/** For what is out of date at once, for errors, and for whatever changes something. */
export const noStore = "no-store";

/** What decides who may keep an answer. */
export interface KeepingFacts {
  /** It holds secrets. */
  readonly secret: boolean;
  /** It answers a read of what lasts, which a process's state does not. */
  readonly lasting: boolean;
  readonly public: boolean;
  /** How long it stays good; undefined when that must be asked before each use. */
  readonly maxAgeSeconds: number | undefined;
}

/**
 * Who may keep an answer to a GET, and how long: secrets nobody, nor may anybody
 * transform them, as compressing them would tell of them; what changes or does
 * not last nobody; what is the same for everybody everybody, else the caller.
 */
export function cacheControlOf({ secret, lasting, public: isPublic, maxAgeSeconds }: KeepingFacts): string {
  if (secret) return `${noStore}, no-transform`;
  if (!lasting) return noStore;
  if (maxAgeSeconds === undefined) return isPublic ? "no-cache" : "private, no-cache";
  return `${isPublic ? "public" : "private"}, max-age=${maxAgeSeconds}`;
}

/** The headers that say so of a method's answers, by its contract. */
export function cacheHeaders({
  access,
  cache,
  method,
  noSideEffects,
  workload,
}: MethodContract): OutgoingHttpHeaders {
  const control = cacheControlOf({
    secret: holdsSecret(method.output, (field) => dataClassOf(field) === DataClass.RESTRICTED),
    lasting: noSideEffects && workload !== undefined && method.methodKind === "unary",
    public: access.kind === "public",
    maxAgeSeconds: cache && cache.maxAgeMs / 1000,
  });
  const personal = access.kind !== "public" && !control.startsWith(noStore);
  return {
    "cache-control": control,
    ...(personal && { vary: "authorization, cookie, x-api-key, x-tenant" }),
  };
}

/** Whether a message, or one inside it, has a field that is a secret. */
export function holdsSecret(
  message: DescMessage,
  isSecret: (field: DescField) => boolean,
  seen = new Set<DescMessage>(),
): boolean {
  if (seen.has(message)) return false;
  seen.add(message);
  return message.fields.some(
    (field) => isSecret(field) || (field.message !== undefined && holdsSecret(field.message, isSecret, seen)),
  );
}
