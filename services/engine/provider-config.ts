import { readFileSync } from "node:fs";
import { type ConfigSource, json } from "../kit/config.js";
import { isRecord } from "./json-record.js";

/** An OpenAI-compatible server that composes answers. */
export interface ProviderConfig {
  /** The name by which agents refer to it. */
  readonly id: string;
  /** Up to and without `/chat/completions`. */
  readonly baseUrl: string;
  readonly model: string;
  /** Sent as bearer token; never logged. */
  readonly apiKey: string | undefined;
  /** Until there is a connection, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** Until the answer begins, in milliseconds; that of one attempt. */
  readonly firstByteTimeoutMs: number;
  /** For all attempts together and their answer, in milliseconds. */
  readonly timeoutMs: number;
  /** Attempts after the first. */
  readonly retries: number;
  /** Before the second attempt, in milliseconds; doubles after that, with jitter. */
  readonly retryDelayMs: number;
  /** Largest answer that is read. */
  readonly mostBytes: number;
  /** Absent: costs are not counted. */
  readonly prices: ProviderPrices | undefined;
}

/** Prices in a currency of the operator's choice. */
export interface ProviderPrices {
  readonly inputPerMillion: number;
  readonly outputPerMillion: number;
}

const expected = "a list of providers with id, base_url and model";

/** Reads the providers, by id. Secret, since they may hold keys; problems stay in the source. */
export function readProviders(source: ConfigSource): ReadonlyMap<string, ProviderConfig> {
  const { ENGINE_PROVIDERS } = source.read({
    ENGINE_PROVIDERS: json(expected, toProviders, { fallback: new Map(), secret: true }),
  });
  return ENGINE_PROVIDERS;
}

function toProviders(value: unknown): ReadonlyMap<string, ProviderConfig> | undefined {
  if (!Array.isArray(value)) return undefined;
  const providers = value.map(toProvider).filter((provider) => provider !== undefined);
  const byId = new Map(providers.map((provider) => [provider.id, provider]));
  return byId.size === value.length ? byId : undefined;
}

/** One provider with its defaults; undefined when something is missing, wrong or unknown. */
function toProvider(value: unknown): ProviderConfig | undefined {
  if (!isRecord(value)) return undefined;
  const {
    id,
    base_url,
    model,
    api_key,
    api_key_file,
    timeout_ms = 15_000,
    connect_timeout_ms = 2_000,
    first_byte_timeout_ms = timeout_ms,
    retries = 2,
    most_bytes = 262_144,
    prices,
    ...rest
  } = value;
  if (typeof id !== "string" || !isProviderId(id) || typeof model !== "string" || model === "")
    return undefined;
  if (typeof base_url !== "string" || !isHttpUrl(base_url) || Object.keys(rest).length > 0) return undefined;
  if (!isWithin(timeout_ms, 1, 60_000) || !isWithin(retries, 0, 5)) return undefined;
  if (!isWithin(connect_timeout_ms, 1, 60_000) || !isWithin(first_byte_timeout_ms, 1, 60_000))
    return undefined;
  if (!isWithin(most_bytes, 1, 1_048_576)) return undefined;
  const key = keyOf(api_key, api_key_file);
  const priced = pricesOf(prices);
  if (!key || !priced) return undefined;
  return {
    id,
    baseUrl: base_url.endsWith("/") ? base_url.slice(0, -1) : base_url,
    model,
    ...key,
    ...priced,
    connectTimeoutMs: connect_timeout_ms,
    firstByteTimeoutMs: first_byte_timeout_ms,
    timeoutMs: timeout_ms,
    retries,
    retryDelayMs: 100,
    mostBytes: most_bytes,
  };
}

/** The key itself, or the content of a file, as orchestrators mount secrets; undefined when neither is right. */
function keyOf(key: unknown, file: unknown): Pick<ProviderConfig, "apiKey"> | undefined {
  if (file === undefined) return key === undefined || isKey(key) ? { apiKey: key } : undefined;
  if (key !== undefined || typeof file !== "string") return undefined;
  try {
    const content = readFileSync(file, "utf8").trimEnd();
    return isKey(content) ? { apiKey: content } : undefined;
  } catch {
    return undefined;
  }
}

/** Visible ASCII, as a header has to be. */
function isKey(value: unknown): value is string {
  return typeof value === "string" && /^[!-~]+$/.test(value);
}

/** Per million tokens. */
function pricesOf(value: unknown): Pick<ProviderConfig, "prices"> | undefined {
  if (value === undefined) return { prices: undefined };
  if (!isRecord(value)) return undefined;
  const { input, output, ...rest } = value;
  if (!isWithin(input, 0, 1e6) || !isWithin(output, 0, 1e6) || Object.keys(rest).length > 0) return undefined;
  return { prices: { inputPerMillion: input, outputPerMillion: output } };
}

/** As the contract of agents has it. */
function isProviderId(id: string): boolean {
  return /^[a-z0-9][a-z0-9-]{0,62}$/.test(id);
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && ["http:", "https:"].includes(new URL(text).protocol);
}

function isWithin(value: unknown, least: number, most: number): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= least && value <= most;
}
