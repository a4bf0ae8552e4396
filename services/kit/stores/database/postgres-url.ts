import type { ConnectionOptions } from "node:tls";

/** Where a PostgreSQL server is and who connects. */
export interface PostgresAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string | undefined;
  readonly database: string;
  /** Whether to use TLS, which always verifies the server's certificate and name. */
  readonly tls: boolean;
}

export type PostgresUrl = { readonly address: PostgresAddress } | { readonly problem: string };

/** What a URL of a database has to be. */
export const postgresUrlForm =
  "postgres://user:password@host:5432/database, with ?sslmode=verify-full for TLS";

/**
 * Reads `postgres://user:password@host:port/database?sslmode=verify-full`. Of the
 * modes there are `disable`, the default, and `verify-full`, since the others
 * encrypt without knowing for whom. A problem never quotes the URL.
 */
export function readPostgresUrl(text: string): PostgresUrl {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^postgres(ql)?:$/.test(url.protocol)) return { problem: postgresUrlForm };
  const { sslmode = "disable", ...others } = Object.fromEntries(url.searchParams);
  const unknown = Object.keys(others);
  if (unknown.length > 0) return { problem: "a URL without parameters other than sslmode" };
  if (sslmode !== "disable" && sslmode !== "verify-full")
    return { problem: "sslmode=verify-full or disable" };
  const decoded = decodeAll([url.username, url.password, url.pathname.slice(1)]);
  const [user = "", password = "", database = ""] = decoded;
  if (!url.hostname || !user || !database) return { problem: postgresUrlForm };
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const port = url.port ? Number(url.port) : 5432;
  return {
    address: { host, port, user, password: password || undefined, database, tls: sslmode !== "disable" },
  };
}

/** TLS as libpq's `verify-full`: the chain up to a trusted root and the host's name both hold. */
export function verifyFull({ host }: PostgresAddress, ca: string | undefined): ConnectionOptions {
  // For the name to verify; the connection itself is made by then.
  return { rejectUnauthorized: true, host, ...(ca && { ca }) };
}

function decodeAll(parts: readonly string[]): string[] {
  try {
    return parts.map(decodeURIComponent);
  } catch {
    return [];
  }
}
