import { DiscoveryService } from "#gen/ts/consciousness/auth/v1/discovery_service_pb.js";
import { Permission, PermissionSchema } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { enumNames } from "../kit/enum-names.js";
import { tokenOrigin } from "../kit/tokens/issuer.js";
import { type Implementation, implement } from "../kit/workload.js";

const names = enumNames<Permission>(PermissionSchema);
const scopes = PermissionSchema.values
  .map(({ number }) => number as Permission)
  .filter((permission) => permission !== Permission.UNSPECIFIED)
  .map(names.nameOf);
const claims = [
  ...["iss", "sub", "aud", "iat", "exp", "jti", "kind", "tenant", "home_tenant", "username", "roles"],
  ...["permissions", "scope", "consciousness_tier", "epoch", "sid", "api_key"],
];

/** Tells programs of the issuer, whose origin is where clients reach the gateway. */
export function discoveryServices({ tokenIssuer }: { readonly tokenIssuer: string }): Implementation[] {
  const origin = tokenOrigin(tokenIssuer);
  const server = {
    issuer: tokenIssuer,
    jwksUri: `${origin}/.well-known/jwks.json`,
    tokenEndpoint: `${origin}/api/v1/auth/token`,
    grantTypesSupported: ["client_credentials"],
    tokenEndpointAuthMethodsSupported: ["client_secret_basic", "client_secret_post"],
    responseTypesSupported: [],
    scopesSupported: scopes,
    subjectTypesSupported: ["public"],
    idTokenSigningAlgValuesSupported: [],
    claimsSupported: claims,
    serviceDocumentation: `${origin}/docs`,
  };
  const resource = {
    resource: origin,
    authorizationServers: [tokenIssuer],
    scopesSupported: scopes,
    bearerMethodsSupported: ["header"],
    resourceDocumentation: `${origin}/docs`,
  };
  return [
    implement(DiscoveryService, {
      getAuthorizationServer: () => ({ metadata: server }),
      getOpenIdConfiguration: () => ({ metadata: server }),
      getProtectedResource: () => ({ metadata: resource }),
    }),
  ];
}
