import { openCallOf } from "../context.js";
import { errors } from "../errors.js";
import { checkedKey, idempotencyHeader, keyUse } from "../idempotency/key.js";
import type { Layer } from "./chain.js";

/**
 * Takes the client's `Idempotency-Key` into the call, for the handler that keeps
 * the result. Methods whose repetition changes nothing ignore it; those that
 * cannot keep a result refuse it with IDEMPOTENCY_KEY_UNSUPPORTED.
 */
export const idempotencyKey: Layer = (contract) => {
  const { method, name, access, workload } = contract;
  const use = keyUse(method, access.kind);
  // What every process serves about itself, such as health, changes nothing.
  if (use === "ignored" || workload === undefined) return undefined;
  return {
    begin({ contextValues, header }) {
      const call = openCallOf({ values: contextValues });
      const given = call.idempotencyKey?.value ?? header.get(idempotencyHeader);
      if (given === null) return;
      if (use === "refused") throw errors.idempotencyKeyUnsupported({ method: name });
      call.idempotencyKey = { method: name, value: checkedKey(given) };
    },
  };
};
