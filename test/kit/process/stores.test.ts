import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ConfigError, configSource } from "../../../services/kit/config.js";
import { openDatabase, storesConfig, withDatabase } from "../../../services/kit/process/stores.js";
import { selfSigned } from "../../support/certificate.js";

const url = "postgres://ada:hidden-word@db.example/engine";

describe("the stores of a process", () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "stores-"));
    await writeFile(join(directory, "url"), `${url}\n`);
    await writeFile(join(directory, "ca.pem"), (await selfSigned()).cert);
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  const read = (
    environment: Record<string, string>,
    options: Parameters<typeof storesConfig>[1] = { deployment: "single", running: ["agents"] },
  ) => {
    const source = configSource(environment);
    const config = storesConfig(source, options);
    source.finish();
    return config;
  };
  const refusal = (...args: Parameters<typeof read>) => {
    try {
      read(...args);
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      return (error as Error).message;
    }
    return expect.fail("should have refused");
  };

  it("are within the process by default, and keep everything", () => {
    expect(read({}).database).toEqual({ server: undefined, retention: {} });
  });

  it("are on a server by URL, whose parts have settings of their own", () => {
    const { server, retention } = read({
      DATABASE_URL_FILE: join(directory, "url"),
      DATABASE_MIGRATION_URL: "postgres://owner:x@db.example/engine",
      DATABASE_REPLICA_URL: "postgres://ada:x@copy.example/engine",
      DATABASE_POOL_SIZE: "7",
      DATABASE_STATEMENT_TIMEOUT_MS: "5000",
      DATABASE_PREPARED_STATEMENTS: "false",
      DATABASE_TLS_CA_FILE: join(directory, "ca.pem"),
      RETENTION_CONFIDENTIAL_MONTHS: "13",
    }).database;
    expect(server).toMatchObject({
      address: { host: "db.example", user: "ada", password: "hidden-word" },
      owner: { user: "owner" },
      replica: { host: "copy.example" },
      poolSize: 7,
      statementTimeoutMs: 5000,
      preparedStatements: false,
      ca: expect.stringContaining("BEGIN CERTIFICATE"),
    });
    expect(retention).toEqual({ confidential: 13 });
  });

  it("are refused with every problem at once, which shows no part of a URL", () => {
    const message = refusal({
      DATABASE_URL: `${url}?sslmode=require`,
      DATABASE_REPLICA_URL: "http://ada:hidden-word@db",
      DATABASE_TLS_CA_FILE: join(directory, "url"),
      DATABASE_POOL_SIZE: "0",
      RETENTION_PUBLIC_MONTHS: "0.5",
    });
    for (const name of ["URL", "REPLICA_URL", "TLS_CA_FILE", "POOL_SIZE"]) {
      expect(message).toContain(`DATABASE_${name}=`);
    }
    expect(message).toContain("RETENTION_PUBLIC_MONTHS=0.5: expected a whole number from 1 to 1200");
    expect(message).not.toContain("hidden-word");
    expect(message).not.toContain("db.example");
  });

  it("are refused to replicas when they are within the process, naming the embedded database", () => {
    const message = refusal({}, { deployment: "replicated", running: ["agents"] });
    expect(message).toContain("DATABASE_URL=: expected the URL of a PostgreSQL server");
    expect(message).toContain("embedded database");
  });

  it("are allowed to replicas on a server, and to a replica that opens none", () => {
    expect(
      read({ DATABASE_URL: url }, { deployment: "replicated", running: ["agents"] }).database.server,
    ).toBeDefined();
    expect(read({}, { deployment: "replicated", running: ["gateway"] }).database.server).toBeUndefined();
  });

  it("have a schema for each workload whose contract says so", () => {
    expect(withDatabase(["gateway", "engine", "agents", "auth"])).toEqual(["engine", "agents", "auth"]);
  });

  it("open as configured", async () => {
    const options = {
      dataDirectory: directory,
      applicationName: "test",
      clock: { now: Date.now, monotonic: () => performance.now() },
    };
    const embedded = await openDatabase(read({}).database, options);
    await embedded.ping();
    await embedded.end();
    const nowhere = await openDatabase(
      read({ DATABASE_URL: "postgres://ada:x@127.0.0.1:1/engine" }).database,
      options,
    );
    await expect(nowhere.ping()).rejects.toThrow("The database does not answer.");
    await nowhere.end();
  });
});
