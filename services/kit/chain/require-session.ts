import { principalOf } from "../context.js";
import { errors } from "../errors.js";
import type { Layer } from "./chain.js";

/**
 * Lets nothing but a person's session call a method that asks for one: no API
 * key, service account, client certificate or workload. Throws SESSION_REQUIRED.
 */
export const requireSession: Layer = ({ sessionOnly }) => {
  if (!sessionOnly) return undefined;
  return {
    begin({ contextValues }) {
      const { kind, session } = principalOf({ values: contextValues });
      if (kind !== "user" || session === "") throw errors.sessionRequired();
    },
  };
};
