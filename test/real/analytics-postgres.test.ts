import { afterAll, beforeAll, describe } from "vitest";
import { openPostgresStore } from "../../services/analytics/store/postgres/store.js";
import { openPostgres } from "../../services/kit/stores/database/postgres.js";
import { columnStoreContract } from "../analytics/store/contract.js";
import { type PostgresServer, postgresInstalled, startPostgres } from "./servers/postgres.js";

describe.skipIf(!postgresInstalled)("the PostgreSQL store on a real server", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.remove());

  const open = async () =>
    openPostgres({
      applicationName: "analytics",
      poolSize: 4,
      address: server.address(await server.createDatabase()),
    });

  describe("with rollups", () => {
    columnStoreContract({
      make: async () => openPostgresStore({ database: await open() }),
      percentileError: 0.01,
    });
  });

  describe("without rollups", () => {
    columnStoreContract({ make: async () => openPostgresStore({ database: await open(), rollups: false }) });
  });
});
