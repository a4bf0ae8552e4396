import { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { openCallOf } from "../context.js";
import { arrivalKey } from "./arrival.js";
import type { Layer } from "./chain.js";
import { callerOfCertificate } from "./mesh-identity.js";
import { scraper } from "./scrape-token.js";

/**
 * Takes whoever presents the mesh's certificate of `identity`, a SPIFFE id, for
 * a machine that may read metrics and status. It needs no token, which the
 * proxies of internal workloads would take for a false one of auth's.
 */
export function meshScraper(identity: string | undefined): Layer {
  return ({ access }) => {
    const monitors = access.kind === "permission" && access.permission === Permission.SYSTEM_MONITOR;
    if (identity === undefined || !monitors) return undefined;
    return {
      begin({ contextValues }) {
        const certificate = contextValues.get(arrivalKey)?.meshIdentity;
        if (certificate === undefined || callerOfCertificate(certificate) !== identity) return;
        openCallOf({ values: contextValues }).principal = scraper;
      },
    };
  };
}
