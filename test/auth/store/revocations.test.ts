import type { Transaction } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Revocation } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { revocations } from "../../../services/auth/store/revocations.js";
import type { AuthTables } from "../../../services/auth/store.js";
import { newId } from "../../../services/kit/ids.js";
import type { OutboxTables } from "../../../services/kit/outbox.js";
import { transaction } from "../../../services/kit/stores/database/kysely.js";
import { type Auth, startAuth } from "../support/auth.js";

let auth: Auth;
beforeAll(async () => {
  auth = await startAuth();
});
afterAll(() => auth.stop());

const list = (since = 0n, afterPosition = 0n) => auth.call().listRevocations({ since, afterPosition });
const targets = (entries: readonly Revocation[]) => entries.map(({ target }) => target);
type Trx = Transaction<AuthTables & OutboxTables>;
const inTransaction = <R>(work: (trx: Trx) => Promise<R>) => transaction(auth.db, work);
const revoke = () => ({
  session: (id: string) => inTransaction((trx) => revocations(trx, auth.time.clock).session("default", id)),
  account: (tenant: string, id: string) =>
    inTransaction((trx) => revocations(trx, auth.time.clock).account(tenant, id)),
  tenant: (id: string) => inTransaction((trx) => revocations(trx, auth.time.clock).tenant(id)),
});
const epochs = async (tenant: string) => {
  const rows = await auth.db.selectFrom("users").select("epoch").where("tenant_id", "=", tenant).execute();
  return rows.map(({ epoch }) => epoch);
};

describe("ListRevocations", () => {
  it("tells what was revoked after the last answer, and nothing twice", async () => {
    const { nextSince } = await list();
    const [first, second] = [newId(), newId()];
    await revoke().session(first);
    await revoke().session(second);
    const reply = await list(nextSince);
    expect(targets(reply.revocations)).toEqual([
      { case: "sessionId", value: first },
      { case: "sessionId", value: second },
    ]);
    expect(reply.revocations[0]).toMatchObject({ tenantId: "default", expiresIn: 86_400 });
    expect((await list(reply.nextSince)).revocations).toEqual([]);
  });

  it("tells nothing of a transaction that was rolled back", async () => {
    const { nextSince } = await list();
    const failed = inTransaction(async (trx) => {
      await revocations(trx, auth.time.clock).session("default", newId());
      throw new Error("no");
    });
    await expect(failed).rejects.toThrow("no");
    expect((await list(nextSince)).revocations).toEqual([]);
  });

  it("tells everything to who comes from a database that had counted further", async () => {
    const session = newId();
    await revoke().session(session);
    expect(targets((await list(2n ** 62n)).revocations)).toContainEqual({
      case: "sessionId",
      value: session,
    });
  });

  it("answers a thousand at once, then the rest", async () => {
    const { nextSince } = await list();
    const ids = Array.from({ length: 1003 }, () => newId());
    await inTransaction(async (trx) => {
      for (const id of ids) await revocations(trx, auth.time.clock).session("default", id);
    });
    const first = await list(nextSince);
    const rest = await list(nextSince, first.revocations.at(-1)?.position);
    expect([first.revocations.length, first.more]).toEqual([1000, true]);
    expect([rest.revocations.length, rest.more]).toEqual([3, false]);
    expect([...first.revocations, ...rest.revocations].map(({ target }) => target.value)).toEqual(ids);
  });
});

describe("revoking", () => {
  it("an account raises its epoch alone", async () => {
    const tenant = newId();
    const [ada, bob] = [await auth.account({ tenant }), await auth.account({ tenant })];
    const { nextSince } = await list();
    await revoke().account(tenant, ada.id);
    const [entry] = (await list(nextSince)).revocations;
    expect(entry).toMatchObject({ tenantId: tenant, target: { case: "accountId", value: ada.id }, epoch: 1 });
    const rows = await auth.db
      .selectFrom("users")
      .select(["id", "epoch"])
      .where("tenant_id", "=", tenant)
      .execute();
    expect(new Map(rows.map(({ id, epoch }) => [id, epoch]))).toEqual(
      new Map([
        [ada.id, 1],
        [bob.id, 0],
      ]),
    );
  });

  it("an account of another tenant does nothing", async () => {
    const { id, tenant } = await auth.account({ tenant: newId() });
    const { nextSince } = await list();
    await revoke().account(newId(), id);
    expect((await list(nextSince)).revocations).toEqual([]);
    expect(await epochs(tenant)).toEqual([0]);
  });

  it("a tenant raises the epochs of all its accounts to one that no token has", async () => {
    const tenant = newId();
    const stranger = await auth.account({ tenant: newId() });
    const [{ id }] = [await auth.account({ tenant }), await auth.account({ tenant })];
    await revoke().account(tenant, id);
    await revoke().account(tenant, id);
    const { nextSince } = await list();
    await revoke().tenant(tenant);
    expect((await list(nextSince)).revocations).toMatchObject([
      { tenantId: tenant, target: { case: "tenant" }, epoch: 3 },
    ]);
    expect([await epochs(tenant), await epochs(stranger.tenant)]).toEqual([[3, 3], [0]]);
  });

  it("is forgotten with the last token that it could concern", async () => {
    const { store, time } = auth;
    await revoke().session(newId());
    time.advance(86_399_000);
    await store.revocations.dropExpired();
    expect((await list()).revocations).not.toEqual([]);
    time.advance(1000);
    expect((await list()).revocations).toEqual([]);
    await store.revocations.dropExpired();
    expect(await auth.db.selectFrom("revocations").select("position").execute()).toEqual([]);
  });
});
