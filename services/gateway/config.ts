import { type ConfigSource, flag, integer, type Setting, text } from "../kit/config.js";
import { isOrigin } from "./edge/origin.js";

/** How the edge treats browsers and caches. */
export interface EdgeConfig {
  /** Origins whose pages may call from elsewhere; exact. */
  readonly origins: ReadonlySet<string>;
  /** How long browsers may keep the answer to a preflight, in seconds. */
  readonly preflightSeconds: number;
  /** Whether sessions may be carried by cookies. */
  readonly sessionCookies: boolean;
  /** How long browsers shall insist on TLS, in seconds; 0 for not at all. */
  readonly hstsSeconds: number;
  /** Answers of fewer bytes are not compressed. */
  readonly compressFromBytes: number;
  /** How many proxies of ours stand before the edge, whose `x-forwarded-proto` is believed. */
  readonly proxyHops: number;
}

const year = 31_536_000;

/** Reads the edge's configuration; problems stay in the source. */
export function readConfig(source: ConfigSource): EdgeConfig {
  const values = source.read({
    GATEWAY_CORS_ORIGINS: origins(),
    GATEWAY_CORS_MAX_AGE: integer(0, 86_400, { fallback: 600 }),
    GATEWAY_SESSION_COOKIES: flag({ fallback: false }),
    GATEWAY_HSTS_SECONDS: integer(0, 2 * year, { fallback: year }),
    GATEWAY_COMPRESS_FROM_BYTES: integer(0, 1_048_576, { fallback: 1024 }),
    TRUSTED_PROXY_HOPS: integer(0, 16, { fallback: 0 }),
  });
  return {
    origins: new Set(listed(values.GATEWAY_CORS_ORIGINS)),
    preflightSeconds: values.GATEWAY_CORS_MAX_AGE,
    sessionCookies: values.GATEWAY_SESSION_COOKIES,
    hstsSeconds: values.GATEWAY_HSTS_SECONDS,
    compressFromBytes: values.GATEWAY_COMPRESS_FROM_BYTES,
    proxyHops: values.TRUSTED_PROXY_HOPS,
  };
}

function origins(): Setting<string> {
  return text({
    fallback: "",
    expected: "origins between commas, such as https://app.example.com, without path or pattern",
    accept: (value) => listed(value).every(isOrigin),
  });
}

function listed(value: string): string[] {
  return value
    .split(",")
    .map((origin) => origin.trim())
    .filter((origin) => origin !== "");
}
