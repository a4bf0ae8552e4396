import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import type { Principal } from "../context.js";
import { requestDigest } from "./request-digest.js";

/** Row of `idempotency_keys`. */
export interface IdempotencyTables {
  idempotency_keys: {
    tenant_id: string;
    principal: string;
    method: string;
    key: string;
    request_digest: Uint8Array;
    /** Null while the call has no result. */
    response: Uint8Array | null;
    create_time: Date;
    /** Who works on the call; null where effect and result are one transaction. */
    holder: string | null;
    held_until: Date | null;
  };
}

/** What a key stands for. */
export interface KeyedRequest<Request extends DescMessage> {
  readonly principal: Pick<Principal, "tenant" | "subject">;
  /** Full name of the method; one key may stand for a call of each. */
  readonly method: string;
  readonly request: { readonly schema: Request; readonly message: MessageShape<Request> };
}

/** What identifies a row. */
export type KeyId = Pick<IdempotencyTables["idempotency_keys"], "tenant_id" | "principal" | "method" | "key">;

/** The row's primary key for a client's key. */
export function idOf({ principal, method }: KeyedRequest<DescMessage>, key: string): KeyId {
  return { tenant_id: principal.tenant, principal: principal.subject, method, key };
}

/** Tells the request from others under the same key. */
export function digestOf({ request }: KeyedRequest<DescMessage>): Uint8Array {
  return requestDigest(request.schema, request.message);
}
