import { ApiKeysService } from "#gen/ts/consciousness/auth/v1/api_keys_service_pb.js";
import { AuthService } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { ServiceAccountsService } from "#gen/ts/consciousness/auth/v1/service_accounts_service_pb.js";
import { TenantsService } from "#gen/ts/consciousness/auth/v1/tenants_service_pb.js";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import type { Audit } from "../audit/audit.js";
import { actInTenant, type ResolveTenant } from "../chain/act-in-tenant.js";
import { arrivalKey } from "../chain/arrival.js";
import { audit } from "../chain/audit.js";
import { authenticate, type VerifyCredential } from "../chain/authenticate.js";
import { authorize } from "../chain/authorize.js";
import { checkCaller, type IdentifyWorkload } from "../chain/caller.js";
import type { Layer } from "../chain/chain.js";
import { challenge } from "../chain/challenge.js";
import { deadline } from "../chain/deadline.js";
import { idempotencyKey } from "../chain/idempotency-key.js";
import { type Admission, limit } from "../chain/limit.js";
import { workloadOfCertificate } from "../chain/mesh-identity.js";
import { meshScraper } from "../chain/mesh-scraper.js";
import { observe } from "../chain/observe.js";
import type { Quotas } from "../chain/quota.js";
import { type EdgeRates, limitStrangers, rateLimit } from "../chain/rate-limit.js";
import { type RedeemOptions, redeemApiKeys, redeemCertificates } from "../chain/redeem.js";
import { requireSession } from "../chain/require-session.js";
import { orScrapeToken } from "../chain/scrape-token.js";
import { traceCall } from "../chain/trace-call.js";
import { translateErrors } from "../chain/translate-errors.js";
import { validate } from "../chain/validate.js";
import { workloadGrants, workloadPrincipals } from "../chain/workload-principal.js";
import type { Clock } from "../clock.js";
import { backgroundCaller } from "../context.js";
import { workloadName } from "../contract/workloads.js";
import type { Log } from "../log.js";
import type { Metrics } from "../metrics.js";
import type { PeersOf } from "../peers/network.js";
import type { Limits } from "../stores/limits/port.js";
import { tokenOrigin } from "../tokens/issuer.js";
import { createRedeemer } from "../tokens/redeemer.js";
import {
  createRevocationFeed,
  type ListRevocations,
  type RevocationFeed,
} from "../tokens/revocation-feed.js";
import { accessAudience, createTokenVerifier, type WorkloadToken, workloadTokenHeader } from "../tokens.js";

const keysTimeoutMs = 5000;
const redeemTimeoutMs = 1000;
const resolveTimeoutMs = 1000;
const revocationsTimeoutMs = 2000;

/** What the chain of one workload is made of. */
export interface ChainOptions {
  readonly workload: Workload;
  readonly peers: PeersOf;
  readonly admission: Admission;
  /** Stands before authentication, where there is one. */
  readonly findCredential: Layer | undefined;
  readonly workloadToken: WorkloadToken | undefined;
  readonly metricsToken: string | undefined;
  readonly metricsReader: string | undefined;
  /** Counts calls from outside. */
  readonly limits: Limits;
  readonly rates: EdgeRates;
  readonly quotas: Quotas;
  /** `iss` of auth's tokens. */
  readonly tokenIssuer: string;
  /** Records what calls did. */
  readonly audit: Audit;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

/** The layers that every call to a workload passes, outermost first. */
export function layersOf(options: ChainOptions): readonly Layer[] {
  const { workload, log, metrics, clock } = options;
  const edge = workload === Workload.GATEWAY;
  const revocations = edge ? revocationsOf(options) : undefined;
  return [
    traceCall,
    observe({ workload, log, metrics, clock, trustRequestId: !edge }),
    audit(options),
    ...(edge ? [challenge(tokenOrigin(options.tokenIssuer))] : []),
    translateErrors,
    deadline({ clock }),
    checkCaller(edge ? () => Workload.GATEWAY : identifyBy(options)),
    ...(edge ? [limitStrangers(options)] : []),
    ...(edge ? [redeemApiKeys(keysOf(options))] : []),
    ...(options.findCredential ? [options.findCredential] : []),
    meshScraper(options.metricsReader),
    ...(edge ? [redeemCertificates(certificatesOf(options))] : []),
    authenticate(verifyBy(options, revocations), edge ? undefined : workloadPrincipals(workloadGrants)),
    ...(edge ? [actInTenant(resolveTenantBy(options))] : []),
    requireSession,
    authorize,
    // Calls between workloads were counted where they came in.
    ...(edge ? [rateLimit(options)] : []),
    idempotencyKey,
    limit(options.admission, clock),
    validate(),
  ];
}

/** The gateway takes outside tokens alone, every other workload internal ones for itself alone. */
function verifyBy(options: ChainOptions, revocations: RevocationFeed | undefined): VerifyCredential {
  const { workload, peers, tokenIssuer, metricsToken, clock } = options;
  const edge = workload === Workload.GATEWAY;
  const { verify, recall } = createTokenVerifier({
    keys: async () => (await peers(AuthService).getJwks({}, backgroundCaller(clock, keysTimeoutMs))).keys,
    kind: edge ? "access" : "internal",
    audience: edge ? accessAudience : workloadName(workload),
    issuer: tokenIssuer,
    revocations,
    clock,
  });
  const verifyUnknown = orScrapeToken(metricsToken, verify);
  return (credential) => recall(credential) ?? verifyUnknown(credential);
}

function keysOf(options: ChainOptions): RedeemOptions {
  const { peers, clock } = options;
  const auth = peers(ApiKeysService);
  return {
    redeemer: redeemerOf(options),
    redeem: (key) => auth.redeemApiKey({ key }, backgroundCaller(clock, redeemTimeoutMs)),
  };
}

function certificatesOf(options: ChainOptions): RedeemOptions {
  const { peers, clock } = options;
  const auth = peers(ServiceAccountsService);
  return {
    redeemer: redeemerOf(options),
    redeem: (spiffeId) => auth.redeemCertificate({ spiffeId }, backgroundCaller(clock, redeemTimeoutMs)),
  };
}

function redeemerOf({ limits, rates, clock }: ChainOptions) {
  return createRedeemer({ limits, limit: rates.signInPerMinute, clock });
}

function resolveTenantBy({ peers, clock }: ChainOptions): ResolveTenant {
  const auth = peers(TenantsService);
  return async (tenant) =>
    (await auth.resolveTenant({ tenant }, backgroundCaller(clock, resolveTimeoutMs))).tenantId;
}

/** What auth has revoked, for tokens that outlive a revocation by more than a call. */
function revocationsOf({ peers, clock }: ChainOptions): RevocationFeed {
  const list: ListRevocations = (request) =>
    peers(AuthService).listRevocations(request, backgroundCaller(clock, revocationsTimeoutMs));
  return createRevocationFeed({ list, clock });
}

/** By the mesh's certificate where there is a mesh, else by the workload's token. */
function identifyBy({ workload, workloadToken }: ChainOptions): IdentifyWorkload {
  return (request) => {
    const identity = request.contextValues.get(arrivalKey)?.meshIdentity;
    if (identity !== undefined) return workloadOfCertificate(identity);
    const token = request.header.get(workloadTokenHeader);
    return workloadToken && token ? workloadToken.verify(token, workload) : Workload.UNSPECIFIED;
  };
}
