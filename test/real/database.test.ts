import { afterAll, beforeAll, describe } from "vitest";
import { openPostgres, type PostgresOptions } from "../../services/kit/stores/database/postgres.js";
import { type ContractOptions, databaseContract } from "../kit/stores/database-contract.js";
import { type PgBouncer, pgbouncerInstalled, startPgBouncer } from "./servers/pgbouncer.js";
import { type PostgresServer, postgresInstalled, startPostgres } from "./servers/postgres.js";

const size = 4;
const common = { applicationName: "contract", poolSize: size };

describe.skipIf(!postgresInstalled)("on a real server", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.remove());

  const openWith = (more: Partial<PostgresOptions>) => async (options: ContractOptions) =>
    openPostgres({ ...common, address: server.address(await server.createDatabase()), ...options, ...more });

  databaseContract("PostgreSQL as a pool", { open: openWith({}), size });
  databaseContract("PostgreSQL without prepared statements", {
    open: openWith({ preparedStatements: false }),
    size,
  });

  describe.skipIf(!pgbouncerInstalled)("behind a pooler", () => {
    let bouncer: PgBouncer;
    beforeAll(async () => {
      bouncer = await startPgBouncer(server);
    });
    afterAll(() => bouncer?.remove());

    databaseContract("PgBouncer in transaction mode as a pool", {
      open: async (options) => {
        const address = bouncer.address(await server.createDatabase());
        return openPostgres({ ...common, address, preparedStatements: false, ...options });
      },
      size,
    });
  });
});
