import { arrivalKey } from "../../kit/chain/arrival.js";
import type { Layer } from "../../kit/chain/chain.js";
import { readCookie } from "./cookies.js";
import { requireCsrfToken, requireOwnOrigin } from "./csrf.js";
import { sessionCookie } from "./session-names.js";

/**
 * Takes the caller's access token from the session's cookie where the header has
 * no credential. Browsers send cookies whichever page asks, so such a call must
 * come from a page of ours or of an admitted origin, and one that has effects
 * must repeat the session's token. Throws ORIGIN_NOT_ALLOWED and CSRF_TOKEN_INVALID.
 */
export function findSession(origins: ReadonlySet<string>): Layer {
  return ({ access, noSideEffects }) => {
    if (access.kind === "public") return undefined;
    return (next) => (request) => {
      const { header, contextValues } = request;
      const token = header.has("authorization") ? undefined : readCookie(header.get("cookie"), sessionCookie);
      if (token === undefined) return next(request);
      requireOwnOrigin({ header, authority: contextValues.get(arrivalKey)?.authority }, origins);
      if (!noSideEffects) requireCsrfToken(header, token);
      header.set("authorization", `Bearer ${token}`);
      return next(request);
    };
  };
}
