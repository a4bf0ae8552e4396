import type { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import type { AdmissionLimits } from "../chain/limit.js";
import { type ConfigSource, flag, integer, number, oneOf, optionalText, text } from "../config.js";
import { type WorkloadName, workloadProfile, workloads } from "../contract/workloads.js";
import { logLevels } from "../log.js";
import { type Http2Client, http2ClientNames } from "../peers/wire-pool.js";
import { type Sampling, samplerNames } from "../sampling.js";
import { proxyHeaders } from "../serve/client-address.js";
import { defaultListenLimits } from "../serve/limits.js";
import { type RequestLimits, requestLimits } from "../serve/request-limits.js";
import { exporterNames, type TelemetryOptions } from "../telemetry.js";
import { type TlsConfig, tlsConfig } from "../tls/config.js";
import { tokenIssuer } from "../tokens/issuer.js";
import { type MessagingConfig, messagingConfig } from "./messaging.js";
import { type RatesConfig, ratesConfig } from "./rates.js";
import { type StoresConfig, storesConfig } from "./stores.js";

/** Configuration of a process, whatever runs in it. */
export interface ProcessConfig {
  readonly host: string;
  /** Port of each workload. */
  readonly ports: ReadonlyMap<Workload, number>;
  /** Base URLs of each workload that runs in other processes, one for each replica; none of those that run here. */
  readonly addresses: ReadonlyMap<Workload, readonly string[]>;
  readonly environment: (typeof environments)[number];
  /** Whether one process serves, or several replicas that share their stores. */
  readonly deployment: (typeof deployments)[number];
  readonly logLevel: (typeof logLevels)[number];
  readonly dataDirectory: string;
  readonly stores: StoresConfig;
  readonly messaging: MessagingConfig;
  readonly tracing: Sampling & Pick<TelemetryOptions, "exporter" | "endpoint">;
  /** `iss` of the tokens that auth signs, whose origin is where clients reach the gateway. */
  readonly tokenIssuer: string;
  /** Bearer token with which Prometheus reads `/metrics`. */
  readonly metricsToken: string | undefined;
  /** SPIFFE id with which it does in a mesh. */
  readonly metricsReader: string | undefined;
  /** Shared by the workloads of a deployment without a mesh, to prove themselves to each other. */
  readonly peerSecret: string | undefined;
  /** A mesh does mTLS, identity, retries and circuit breaking. */
  readonly mesh: boolean;
  readonly reflection: boolean;
  readonly tls: TlsConfig;
  readonly admission: AdmissionLimits;
  /** How long calls may finish after SIGTERM, in milliseconds. */
  readonly drainMs: number;
  /** How many proxies of ours stand before the gateway. */
  readonly trustedProxyHops: number;
  /** Where they say whom they forward for. */
  readonly trustedProxyHeader: (typeof proxyHeaders)[number];
  /** How often one caller from outside may call without a principal. */
  readonly rates: RatesConfig["rates"];
  /** What accounts may use. */
  readonly quotas: RatesConfig["quotas"];
  /** What one request may ask of a port. */
  readonly requests: RequestLimits;
  readonly connections: { readonly most: number; readonly perAddress: number };
  /** Whether code compiled from the contract codes messages; protobuf-es does otherwise. */
  readonly fastPath: boolean;
  /** What speaks HTTP/2 to other workloads, for unary calls that compiled code makes. */
  readonly http2Client: Http2Client;
}

const environments = ["development", "staging", "production"] as const;
const deployments = ["single", "replicated"] as const;
const minimumSecret = 32;

/** Reads the process's configuration; problems stay in the source. */
export function processConfig(source: ConfigSource, running: readonly WorkloadName[]): ProcessConfig {
  const values = source.read({
    HOST: text({ fallback: "127.0.0.1" }),
    ENVIRONMENT: oneOf(environments, { fallback: "development" }),
    DEPLOYMENT: oneOf(deployments, { fallback: "single" }),
    LOG_LEVEL: oneOf(logLevels, { fallback: "info" }),
    DATA_DIR: text({ fallback: ".data" }),
    TRACE_EXPORTER: oneOf(exporterNames, { fallback: "none" }),
    TRACE_ENDPOINT: optionalText(),
    TRACE_SAMPLE_RATIO: number(0, 1, { fallback: 1 }),
    OTEL_TRACES_SAMPLER: oneOf(samplerNames, { fallback: "parentbased_traceidratio" }),
    METRICS_TOKEN: optionalText({ secret: true }),
    METRICS_READER: optionalText(),
    PEER_SECRET: optionalText({ secret: true }),
    TOKEN_ISSUER: tokenIssuer(),
    MESH: flag({ fallback: false }),
    ADMISSION_CONCURRENT: integer(1, 100_000, { fallback: 256 }),
    ADMISSION_QUEUED: integer(0, 100_000, { fallback: 1024 }),
    ADMISSION_QUEUE_MS: integer(0, 60_000, { fallback: 1000 }),
    DRAIN_MS: integer(0, 600_000, { fallback: 10_000 }),
    TRUSTED_PROXY_HOPS: integer(0, 16, { fallback: 0 }),
    TRUSTED_PROXY_HEADER: oneOf(proxyHeaders, { fallback: "x-forwarded-for" }),
    FAST_PATH: flag({ fallback: true }),
    HTTP2_CLIENT: oneOf(http2ClientNames, { fallback: "node" }),
    CONNECTIONS: integer(1, 1_000_000, { fallback: defaultListenLimits.maxConnections }),
    CONNECTIONS_PER_ADDRESS: integer(0, 1_000_000, {
      fallback: defaultListenLimits.maxConnectionsPerAddress,
    }),
  });
  const { OTEL_TRACES_SAMPLER_ARG: sampleRatio } = source.read({
    OTEL_TRACES_SAMPLER_ARG: number(0, 1, { fallback: values.TRACE_SAMPLE_RATIO }),
  });
  const { REFLECTION } = source.read({ REFLECTION: flag({ fallback: values.ENVIRONMENT !== "production" }) });
  const tls = tlsConfig(source);
  requireProof(source, { ...values, tls }, running);
  return {
    host: values.HOST,
    ports: readPorts(source),
    addresses: readAddresses(source, { running, mesh: values.MESH }),
    environment: values.ENVIRONMENT,
    deployment: values.DEPLOYMENT,
    logLevel: values.LOG_LEVEL,
    dataDirectory: values.DATA_DIR,
    stores: storesConfig(source, { deployment: values.DEPLOYMENT, running }),
    messaging: messagingConfig(source, { deployment: values.DEPLOYMENT, running }),
    tracing: {
      exporter: values.TRACE_EXPORTER,
      endpoint: values.TRACE_ENDPOINT,
      sampler: values.OTEL_TRACES_SAMPLER,
      sampleRatio,
    },
    tokenIssuer: values.TOKEN_ISSUER,
    metricsToken: values.METRICS_TOKEN,
    metricsReader: values.METRICS_READER,
    peerSecret: values.PEER_SECRET,
    mesh: values.MESH,
    reflection: REFLECTION,
    tls,
    admission: {
      concurrent: values.ADMISSION_CONCURRENT,
      queued: values.ADMISSION_QUEUED,
      queueBudgetMs: values.ADMISSION_QUEUE_MS,
    },
    drainMs: values.DRAIN_MS,
    trustedProxyHops: values.TRUSTED_PROXY_HOPS,
    trustedProxyHeader: values.TRUSTED_PROXY_HEADER,
    ...ratesConfig(source),
    requests: requestLimits(source),
    connections: {
      most: values.CONNECTIONS,
      // Behind a proxy every caller has the proxy's address.
      perAddress: values.MESH || values.TRUSTED_PROXY_HOPS > 0 ? 0 : values.CONNECTIONS_PER_ADDRESS,
    },
    fastPath: values.FAST_PATH,
    http2Client: values.HTTP2_CLIENT,
  };
}

function requireProof(
  source: ConfigSource,
  values: { PEER_SECRET: string | undefined; MESH: boolean; tls: TlsConfig },
  running: readonly WorkloadName[],
): void {
  const secret = values.PEER_SECRET;
  const expected = `a text of ${minimumSecret} characters or more`;
  if (secret !== undefined && secret.length < minimumSecret) {
    source.refuse({ name: "PEER_SECRET", value: "(hidden)", expected });
  }
  const proved = values.MESH || provedByCertificates(values.tls, running);
  if (secret === undefined && !proved && running.length < workloads.size) {
    const why = `${expected}, the same in every process, since workloads run apart without MESH=true or certificates on both sides`;
    source.refuse({ name: "PEER_SECRET", value: "", expected: why });
  }
}

/** The gateway alone takes calls from outside, whose certificates prove no workload. */
function provedByCertificates({ port, peers }: TlsConfig, running: readonly WorkloadName[]): boolean {
  const takesCalls = running.some((name) => name !== "gateway");
  return peers?.certFile !== undefined && (!takesCalls || port?.files.caFile !== undefined);
}

function readPorts(source: ConfigSource): ReadonlyMap<Workload, number> {
  return perWorkload((name, workload) => {
    const variable = `${name.toUpperCase()}_PORT`;
    const fallback = workloadProfile(workload).port;
    return source.read({ [variable]: integer(0, 65_535, { fallback }) })[variable]!;
  });
}

function readAddresses(
  source: ConfigSource,
  { running, mesh }: { running: readonly WorkloadName[]; mesh: boolean },
): ReadonlyMap<Workload, readonly string[]> {
  return perWorkload((name, workload) => {
    const variable = `${name.toUpperCase()}_URL`;
    const fallback = `http://127.0.0.1:${workloadProfile(workload).port}`;
    const example = "a URL such as http://127.0.0.1:8001";
    const expected = mesh ? example : `${example}, or one for each replica, separated by commas`;
    const accept = (given: string) => listed(given).every(isHttpUrl) && !(mesh && given.includes(","));
    const given = source.read({ [variable]: text({ fallback, expected, accept }) })[variable]!;
    return running.includes(name) ? [] : listed(given);
  });
}

function listed(addresses: string): string[] {
  return addresses.split(",").map((address) => address.trim());
}

function perWorkload<T>(value: (name: WorkloadName, workload: Workload) => T): ReadonlyMap<Workload, T> {
  return new Map([...workloads].map(([name, workload]) => [workload, value(name, workload)]));
}

// `localhost:8001` would pass for a URL, of the scheme `localhost`.
function isHttpUrl(address: string): boolean {
  return URL.canParse(address) && /^https?:$/.test(new URL(address).protocol);
}
