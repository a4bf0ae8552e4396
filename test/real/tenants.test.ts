import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Role, Tier } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import { RolesService } from "#gen/ts/consciousness/auth/v1/roles_service_pb.js";
import { TenantsService } from "#gen/ts/consciousness/auth/v1/tenants_service_pb.js";
import { UsersService } from "#gen/ts/consciousness/auth/v1/users_service_pb.js";
import { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { principalOfAccount } from "../../services/auth/domain/account.js";
import { permissionsOf, shippedRoles } from "../../services/auth/domain/roles.js";
import { hasRole } from "../../services/auth/store/super-admins.js";
import { type AuthStore, type AuthTables, openAuthStore } from "../../services/auth/store.js";
import { tenantServices } from "../../services/auth/tenants.js";
import { systemClock } from "../../services/kit/clock.js";
import type { Principal } from "../../services/kit/context.js";
import { newId } from "../../services/kit/ids.js";
import { readEvents } from "../../services/kit/outbox.js";
import { openSchema } from "../../services/kit/stores/database/kysely.js";
import type { Database } from "../../services/kit/stores/database/port.js";
import { openPostgres } from "../../services/kit/stores/database/postgres.js";
import { expectRefusal } from "../auth/support/expect-refusal.js";
import { methodsOf } from "../auth/support/methods.js";
import { type PostgresServer, postgresInstalled, startPostgres } from "./servers/postgres.js";

const atOnce = 12;
const superAdmins = () => hasRole(Role.SUPER_ADMIN);

describe.skipIf(!postgresInstalled)("changes of accounts, tenants and roles at once on PostgreSQL", () => {
  let server: PostgresServer;
  let database: Database;
  let store: AuthStore;
  beforeAll(async () => {
    server = await startPostgres();
    const address = server.address(await server.createDatabase());
    database = openPostgres({ address, replica: address, applicationName: "tenants", poolSize: atOnce });
    store = await openAuthStore({ database, clock: systemClock });
  });
  afterAll(async () => {
    await database?.end();
    await server?.remove();
  });
  beforeEach(() => db().updateTable("users").set({ active: false }).execute());

  const db = () => openSchema<AuthTables>(database, "auth");
  const services = (principal: Principal) => {
    const served = { implementations: tenantServices({ store }), dependencies: [] };
    return {
      users: methodsOf(served, UsersService, { principal }),
      tenants: methodsOf(served, TenantsService, { principal }),
      roles: methodsOf(served, RolesService, { principal }),
    };
  };
  const superAdmin = async (tenant = "default") => {
    const roles = [Role.SUPER_ADMIN];
    const id = newId();
    const account = {
      ...{ id, tenant, username: id, email: "", passwordHash: "", roles, tier: Tier.BASIC },
      ...{ active: true, epoch: 0, createTime: new Date(), lastLoginTime: undefined },
    };
    await store.accounts.add(account, { requestId: newId(), principal: undefined });
    const permissions = permissionsOf(roles, shippedRoles);
    return principalOfAccount({ ...account, permissions }, newId());
  };
  const left = async () => {
    const active = db().selectFrom("users").select("id").where(superAdmins()).where("active", "=", true);
    return (await active.execute()).length;
  };
  const several = <T>(make: () => Promise<T>) => Promise.all(Array.from({ length: atOnce }, make));

  it("leave one SuperAdmin of many that step down", async () => {
    const all = await several(() => superAdmin());
    const outcomes = await Promise.allSettled(
      all.map((one) =>
        services(one).users.updateUser({
          user: { id: one.subject, roles: [Role.ADMIN] },
          updateMask: { paths: ["roles"] },
        }),
      ),
    );
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(atOnce - 1);
    const [refused] = outcomes.filter((one) => one.status === "rejected");
    await expectRefusal(Promise.reject(refused?.reason), Code.FailedPrecondition, "LAST_SUPER_ADMIN");
    expect(await left()).toBe(1);
  });

  it("leave one SuperAdmin of two, when one steps down while the other's tenant is disabled", async () => {
    const one = await superAdmin();
    const { tenant } = await services(one).tenants.createTenant({ tenant: { name: `t-${newId()}` } });
    const id = tenant?.id ?? "";
    await superAdmin(id);
    const outcomes = await Promise.allSettled([
      services(one).users.updateUser({
        user: { id: one.subject, active: false },
        updateMask: { paths: ["active"] },
      }),
      services(one).tenants.updateTenant({
        tenant: { id, active: false },
        updateMask: { paths: ["active"] },
      }),
    ]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  });

  it("follow each other, each with an event and an epoch of its own", async () => {
    const principal = await superAdmin();
    const permissions = [Permission.AGENT_READ];
    await several(() => services(principal).roles.updateRole({ role: Role.USER, permissions }));
    const events = await readEvents(db(), { aggregate: { type: "role", id: "default/USER" }, limit: 100 });
    expect(events.map(({ version }) => Number(version))).toEqual(
      Array.from({ length: atOnce }, (_, i) => i + 1),
    );
  });
});
