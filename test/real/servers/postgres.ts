import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { chmod, chown, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import type { PostgresAddress } from "../../../services/kit/stores/database/postgres-url.js";
import {
  freshDirectory,
  type ProcessTree,
  type ProcessUser,
  removeDirectory,
  startTree,
  unprivileged,
  until,
} from "./process-tree.js";
import { freePort, installed } from "./server.js";

const password = "correct horse/battery?staple";

const program = newestPostgres();

export const postgresInstalled = installed(program);

/** A PostgreSQL server of a test, in a fresh directory and on a free loopback port. */
export interface PostgresServer {
  readonly process: () => ProcessTree;
  readonly port: number;
  /** The address of a database, as superuser or another user with the same password. */
  address(database?: string, user?: string): PostgresAddress;
  url(database?: string, user?: string): string;
  /** Runs SQL as superuser, on a connection of its own. */
  run<R>(sql: string, database?: string): Promise<R[]>;
  /** Makes an empty database and returns its name. */
  createDatabase(): Promise<string>;
  /** Starts it again after it was killed. */
  start(): Promise<void>;
  /** Ends it and removes its files. */
  remove(): Promise<void>;
}

/** Starts a server with password authentication; with `tls` it offers TLS as well. */
export async function startPostgres(
  options: { readonly tls?: { readonly key: string; readonly cert: string } } = {},
): Promise<PostgresServer> {
  const user = unprivileged("postgres");
  const directory = await freshDirectory("postgres", user);
  const data = join(directory, "data");
  await initialise(directory, user);
  const tls = options.tls ? await tlsSettings(directory, options.tls, user) : [];
  const port = await freePort();
  const settings = ["listen_addresses=127.0.0.1", `port=${port}`, "unix_socket_directories=", ...tls];
  const args = ["-D", data, ...settings.flatMap((setting) => ["-c", setting])];

  let server: ProcessTree;
  const address = (database = "postgres", name = "postgres"): PostgresAddress => ({
    host: "127.0.0.1",
    port,
    user: name,
    password,
    database,
    tls: false,
  });
  const run = async <R>(sql: string, database?: string): Promise<R[]> => {
    const { tls: _, ...config } = address(database);
    const client = new pg.Client(config);
    client.on("error", () => undefined);
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  };
  const start = async () => {
    server = startTree(program, args, user);
    const answers = () =>
      run("select 1").then(
        () => true,
        () => false,
      );
    await until(answers, { why: () => server.output() });
  };
  await start();
  let databases = 0;
  return {
    process: () => server,
    port,
    address,
    url: (database = "postgres", name = "postgres") =>
      `postgres://${name}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`,
    run,
    async createDatabase() {
      databases++;
      const name = `test_${databases}`;
      await run(`create database ${name}`);
      return name;
    },
    start,
    async remove() {
      await server.kill();
      await removeDirectory(directory);
    },
  };
}

/** The password of every user of the tests' servers. */
export const postgresPassword = password;

async function initialise(directory: string, user: ProcessUser): Promise<void> {
  const passwordFile = join(directory, "password");
  await writeFile(passwordFile, password);
  await promisify(execFile)(
    program.replace(/postgres$/, "initdb"),
    ["-D", join(directory, "data"), "-U", "postgres", "-A", "scram-sha-256"].concat([
      "--pwfile",
      passwordFile,
      "--no-sync",
      "--locale=C",
      "--encoding=UTF8",
    ]),
    { ...user, cwd: directory },
  );
}

async function tlsSettings(
  directory: string,
  { key, cert }: { readonly key: string; readonly cert: string },
  { uid, gid }: ProcessUser,
): Promise<string[]> {
  const files = { ssl_key_file: join(directory, "key.pem"), ssl_cert_file: join(directory, "cert.pem") };
  await writeFile(files.ssl_cert_file, cert);
  await writeFile(files.ssl_key_file, key);
  await chmod(files.ssl_key_file, 0o600);
  if (uid !== undefined && gid !== undefined) await chown(files.ssl_key_file, uid, gid);
  return ["ssl=on", ...Object.entries(files).map(([name, file]) => `${name}=${file}`)];
}

/** Debian keeps each version in a folder of its own, outside of PATH. */
function newestPostgres(): string {
  const root = "/usr/lib/postgresql";
  try {
    const [newest] = readdirSync(root).sort((a, b) => Number(b) - Number(a));
    return newest ? join(root, newest, "bin", "postgres") : "postgres";
  } catch {
    return "postgres";
  }
}
