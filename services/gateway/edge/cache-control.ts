import type { OutgoingHttpHeaders } from "node:http";
import type { DescMessage } from "@bufbuild/protobuf";
import { DataClass } from "#gen/ts/consciousness/contract/v1/contract_pb.js";
import { dataClassOf } from "../../kit/contract/data-class.js";
import type { MethodContract } from "../../kit/contract/method.js";

/** For what is out of date at once, for errors, and for whatever changes something. */
export const noStore = "no-store";

/**
 * Who may keep a method's answers to reads, and how long, by its contract:
 * secrets nobody, nor may anybody transform them, as compressing them would tell
 * of them; what a process says of itself nobody; answers of public methods
 * everybody; others the caller. Without a policy of their own they are
 * revalidated before each use.
 */
export function cacheHeaders(contract: MethodContract): OutgoingHttpHeaders {
  const { access, cache, method, noSideEffects, workload } = contract;
  if (holdsSecret(method.output)) return { "cache-control": `${noStore}, no-transform` };
  if (!noSideEffects || workload === undefined) return { "cache-control": noStore };
  const life = cache ? `max-age=${cache.maxAgeMs / 1000}` : "no-cache";
  if (access.kind === "public") return { "cache-control": cache ? `public, ${life}` : life };
  return { "cache-control": `private, ${life}`, vary: "authorization, cookie" };
}

function holdsSecret(message: DescMessage, seen = new Set<DescMessage>()): boolean {
  if (seen.has(message)) return false;
  seen.add(message);
  return message.fields.some(
    (field) =>
      dataClassOf(field) === DataClass.RESTRICTED ||
      (field.message !== undefined && holdsSecret(field.message, seen)),
  );
}
