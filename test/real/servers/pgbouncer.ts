import { chown, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { PostgresAddress } from "../../../services/kit/stores/database/postgres-url.js";
import { type PostgresServer, postgresPassword } from "./postgres.js";
import { freshDirectory, removeDirectory, startTree, unprivileged, until } from "./process-tree.js";
import { freePort, installed } from "./server.js";

const program = "/usr/sbin/pgbouncer";

export const pgbouncerInstalled = installed(program);

/** PgBouncer in transaction mode before a server, with two connections to each database. */
export interface PgBouncer {
  /** Where a database of the server is by way of it. */
  address(database: string): PostgresAddress;
  remove(): Promise<void>;
}

export async function startPgBouncer(server: PostgresServer): Promise<PgBouncer> {
  const user = unprivileged("postgres");
  const directory = await freshDirectory("pgbouncer", user);
  const port = await freePort();
  const users = join(directory, "users.txt");
  const settings = join(directory, "pgbouncer.ini");
  await writeFile(users, `"postgres" "${postgresPassword}"\n`);
  await writeFile(
    settings,
    `[databases]
* = host=127.0.0.1 port=${server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${users}
pool_mode = transaction
default_pool_size = 2
`,
  );
  const { uid, gid } = user;
  if (uid !== undefined && gid !== undefined) {
    await Promise.all([users, settings].map((file) => chown(file, uid, gid)));
  }
  const bouncer = startTree(program, [settings], { ...user, cwd: directory });
  await until(() => /process up/.test(bouncer.output()), { why: bouncer.output });
  return {
    address: (database) => ({ ...server.address(database), port }),
    async remove() {
      await bouncer.kill();
      await removeDirectory(directory);
    },
  };
}
