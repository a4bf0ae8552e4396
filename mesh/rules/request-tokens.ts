import type { ImageContract, ImageMethod, ImageWorkload } from "../../services/generate/contract.js";
import type { Manifest } from "../../services/generate/yaml-file.js";
import { defaultTokenIssuer } from "../../services/kit/tokens/claims.js";
import { labelsOf, serviceHost } from "./names.js";

/** The method that publishes the keys of internal tokens. */
const keysMethod = "GetJwks";

/**
 * Refuses tokens at an internal workload that auth did not sign for it. The
 * gateway takes outside credentials of several kinds, of which Envoy would refuse
 * API keys as malformed, and checks them itself.
 */
export function requestAuthentication({ name }: ImageWorkload, contract: ImageContract): Manifest {
  return {
    apiVersion: "security.istio.io/v1",
    kind: "RequestAuthentication",
    metadata: { name },
    spec: {
      selector: { matchLabels: labelsOf(name) },
      jwtRules: [
        {
          issuer: defaultTokenIssuer,
          audiences: [name],
          // Envoy fetches them, through the mesh and as this workload (PILOT_JWT_ENABLE_REMOTE_JWKS).
          jwksUri: keysUri(contract),
          forwardOriginalToken: true,
        },
      ],
    },
  };
}

/** Connect's GET form of the method that publishes keys. */
function keysUri({ methods, workloads }: ImageContract): string {
  const method = methods.find(
    (one): one is ImageMethod & { workload: string } => one.name === keysMethod && one.noSideEffects,
  );
  const port = workloads.find(({ name }) => name === method?.workload)?.port;
  if (!method || port === undefined)
    throw new Error(`the contract publishes no keys: it has no ${keysMethod}`);
  return `http://${serviceHost(method.workload)}:${port}${method.path}?connect=v1&encoding=json&message=%7B%7D`;
}
