import { readFileSync } from "node:fs";
import { type ConfigSource, flag, integer, optionalText } from "../../config.js";
import { readSecret } from "../../secret.js";
import type { DataClassName, Retention } from "./partitions.js";
import type { PostgresOptions } from "./postgres.js";
import { type PostgresAddress, readPostgresUrl } from "./postgres-url.js";

type PostgresSettings = Omit<PostgresOptions, "applicationName" | "clock">;

/** Which database, and for how long it keeps what only grows. */
export interface DatabaseConfig {
  /** The server to use; undefined for the embedded database. */
  readonly server: PostgresSettings | undefined;
  readonly retention: Retention;
}

const classes: readonly DataClassName[] = ["public", "internal", "confidential", "restricted"];

/**
 * Reads the database's configuration; problems stay in the source. DATABASE_URL,
 * or DATABASE_URL_FILE, selects PostgreSQL. DATABASE_MIGRATION_URL is the owner
 * of the schemas, where services may not change them. RETENTION_<CLASS>_MONTHS,
 * not set by default, says how many whole months of a data class are kept.
 */
export function databaseConfig(source: ConfigSource): DatabaseConfig {
  const address = readAddress(source, "DATABASE_URL");
  const owner = readAddress(source, "DATABASE_MIGRATION_URL");
  const replica = readAddress(source, "DATABASE_REPLICA_URL");
  const values = source.read({
    DATABASE_POOL_SIZE: integer(1, 1000, { fallback: 10 }),
    DATABASE_STATEMENT_TIMEOUT_MS: integer(100, 30_000, { fallback: 30_000 }),
    DATABASE_PREPARED_STATEMENTS: flag({ fallback: true }),
    DATABASE_TLS_CA_FILE: optionalText(),
  });
  const ca = readCertificates(source, values.DATABASE_TLS_CA_FILE);
  const server = address && {
    address,
    owner,
    replica,
    ca,
    poolSize: values.DATABASE_POOL_SIZE,
    statementTimeoutMs: values.DATABASE_STATEMENT_TIMEOUT_MS,
    preparedStatements: values.DATABASE_PREPARED_STATEMENTS,
  };
  return { server, retention: readRetention(source) };
}

function readAddress(source: ConfigSource, name: string): PostgresAddress | undefined {
  const given = readSecret(source, name);
  if (given === undefined) return undefined;
  const url = readPostgresUrl(given);
  if ("address" in url) return url.address;
  source.refuse({ name, value: "(hidden)", expected: url.problem });
  return undefined;
}

function readCertificates(source: ConfigSource, file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  const pem = readable(file);
  if (pem.includes("-----BEGIN CERTIFICATE-----")) return pem;
  source.refuse({
    name: "DATABASE_TLS_CA_FILE",
    value: file,
    expected: "a readable PEM file of certificates",
  });
  return undefined;
}

function readable(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function readRetention(source: ConfigSource): Retention {
  const months = classes.map((name) => {
    const setting = `RETENTION_${name.toUpperCase()}_MONTHS`;
    const unset = 0;
    const given = source.read({ [setting]: integer(1, 1200, { fallback: unset }) })[setting];
    return [name, given === unset ? undefined : given] as const;
  });
  return Object.fromEntries(months);
}
