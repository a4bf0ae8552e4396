import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { decodeProtectedHeader } from "jose";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { UserCreatedSchema } from "#gen/ts/consciousness/auth/v1/auth_events_pb.js";
import { Role, Tier } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import { PermissionSchema } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import type { AuthConfig } from "../../services/auth/config.js";
import { type Account, principalOfAccount } from "../../services/auth/domain/account.js";
import { definition } from "../../services/auth/service.js";
import { openAuthStore } from "../../services/auth/store.js";
import { ConfigError, configSource } from "../../services/kit/config.js";
import { newId } from "../../services/kit/ids.js";
import { readEvents } from "../../services/kit/outbox.js";
import { openSchema } from "../../services/kit/stores/database/kysely.js";
import type { Database } from "../../services/kit/stores/database/port.js";
import { testDatabase } from "../support/database.js";
import { callable, startService, testConfig, testDirectory, testTime } from "./support/auth.js";

let database: Database;
let directory: Awaited<ReturnType<typeof testDirectory>>;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.end());
beforeEach(async () => {
  directory = await testDirectory();
});
afterEach(async () => {
  await sql`drop schema if exists auth cascade`.execute(openSchema(database, "auth"));
  await directory.remove();
});

const { clock } = testTime();
const start = (changes: Partial<AuthConfig> = {}) =>
  startService(
    { ...testConfig, ...changes },
    { clock, dataDirectory: directory.path, database: async () => database },
  );
const generated = { adminPassword: undefined };
const modeOf = async (name: string) => (await stat(join(directory.path, name))).mode & 0o777;

async function problemOf(attempt: Promise<unknown>) {
  const error = await attempt.then(
    () => expect.unreachable("it started"),
    (caught) => caught,
  );
  expect(error).toBeInstanceOf(ConfigError);
  return (error as ConfigError).problems[0];
}

describe("the first start", () => {
  it("makes admin with the configured password and announces nothing", async () => {
    const served = await start();
    expect(served.announcements).toEqual([]);
    const { profile } = await callable(served).login({ username: "admin", password: "an admin's password" });
    expect(profile).toMatchObject({ roles: [Role.ADMIN, Role.SUPER_ADMIN], tier: Tier.ENTERPRISE });
    expect(profile?.permissions).toHaveLength(PermissionSchema.values.length - 1);
    expect(await readdir(directory.path)).toEqual([]);
  });

  it("records the making of admin", async () => {
    await start();
    const events = await readEvents(openSchema(database, "auth"), { limit: 10 });
    const event = events.find(({ aggregateType }) => aggregateType === "user");
    const payload = fromBinary(UserCreatedSchema, event?.payload?.value ?? new Uint8Array());
    expect(payload).toMatchObject({ userId: event?.aggregateId, roles: [Role.ADMIN, Role.SUPER_ADMIN] });
  });

  it("writes a generated password to a file that its owner alone reads, and announces where", async () => {
    const served = await start(generated);
    const path = join(directory.path, "admin-password");
    const password = (await readFile(path, "utf8")).trim();
    expect(await modeOf("admin-password")).toBe(0o600);
    expect(served.announcements).toEqual([`User admin, password in ${path}`]);
    expect(password).toMatch(/^[\w-]{24}$/);
    await expect(callable(served).login({ username: "admin", password })).resolves.toBeDefined();
  });

  it("takes up the password that a start before it had written, unless that is too short", async () => {
    const path = join(directory.path, "admin-password");
    await writeFile(path, "too short\n");
    expect(await problemOf(start(generated))).toMatchObject({ name: "ADMIN_PASSWORD", value: "(hidden)" });
    await writeFile(path, "written before the crash\n");
    const credentials = { username: "admin", password: "written before the crash" };
    await expect(callable(await start(generated)).login(credentials)).resolves.toBeDefined();
  });

  it("tells a terminal the generated password and writes it nowhere", async () => {
    const served = await start({ ...generated, terminal: true });
    const password = served.announcements?.[0]?.match(
      /^User admin, password (\S{24}) \(shown this once\)$/,
    )?.[1];
    await expect(
      callable(served).login({ username: "admin", password: password ?? "" }),
    ).resolves.toBeDefined();
    expect(await readdir(directory.path)).toEqual([]);
  });

  it("refuses to generate a password in production, and starts there with a configured one", async () => {
    expect(await problemOf(start({ ...generated, production: true }))).toMatchObject({
      name: "ADMIN_PASSWORD",
    });
    await expect(start({ production: true })).resolves.toBeDefined();
  });

  it("refuses a first password that is easy to guess, without showing it", async () => {
    for (const adminPassword of ["password1234", "admin-admin-1"]) {
      const problem = await problemOf(start({ adminPassword }));
      expect(problem).toMatchObject({ name: "ADMIN_PASSWORD", value: "(hidden)" });
    }
  });

  it("makes one admin however many replicas start at once", async () => {
    const all = await Promise.all([start(generated), start(generated), start(generated)]);
    expect(all.flatMap(({ announcements }) => announcements)).toHaveLength(1);
    const password = (await readFile(join(directory.path, "admin-password"), "utf8")).trim();
    await expect(callable(all[0]).login({ username: "admin", password })).resolves.toBeDefined();
    expect(await readdir(directory.path)).toEqual(["admin-password"]);
  });
});

describe("a later start", () => {
  it("keeps accounts and keys, so that tokens go on working", async () => {
    const signIn = async (served: Awaited<ReturnType<typeof start>>) => {
      const { tokens } = await callable(served).login({ username: "admin", password: "an admin's password" });
      return tokens ?? { accessToken: "", refreshToken: "" };
    };
    const first = await signIn(await start());
    const again = await start({ adminPassword: "another password", production: true });
    const second = await signIn(again);
    expect(decodeProtectedHeader(second.accessToken).kid).toBe(decodeProtectedHeader(first.accessToken).kid);
    await expect(callable(again).refresh({ refreshToken: first.refreshToken })).resolves.toBeDefined();
    expect(again.announcements).toEqual([]);
  });

  it("uses the key-encryption key that the first left in the data directory", async () => {
    const own = { keyEncryptionKey: undefined };
    await start(own);
    expect(await modeOf("key-encryption-key")).toBe(0o600);
    await expect(start(own)).resolves.toBeDefined();
    expect(await readdir(directory.path)).toEqual(["key-encryption-key"]);
  });

  it("refuses another key-encryption key, without showing it", async () => {
    await start();
    const problem = await problemOf(start({ keyEncryptionKey: Buffer.alloc(32, 8) }));
    expect(problem).toMatchObject({ name: "AUTH_KEY_ENCRYPTION_KEY", value: "(hidden)" });
  });

  it("refuses a key-encryption key file that holds none", async () => {
    await writeFile(join(directory.path, "key-encryption-key"), "broken");
    const problem = await problemOf(start({ keyEncryptionKey: undefined }));
    expect(problem).toMatchObject({ name: "AUTH_KEY_ENCRYPTION_KEY", value: "(hidden)" });
  });

  it("fails when the data directory cannot be read", async () => {
    await writeFile(join(directory.path, "file"), "");
    const dataDirectory = join(directory.path, "file");
    const config = { ...testConfig, keyEncryptionKey: undefined };
    await expect(
      startService(config, { clock, dataDirectory, database: async () => database }),
    ).rejects.toThrow();
  });
});

describe("the store", () => {
  const first: Account = {
    id: newId(),
    tenant: "default",
    username: "ada",
    email: "ada@example.org",
    passwordHash: "",
    roles: [Role.USER],
    permissions: [],
    tier: Tier.BASIC,
    active: true,
    epoch: 0,
    createTime: new Date(clock.now()),
    lastLoginTime: undefined,
  };
  const call = { requestId: newId(), principal: undefined };

  it.each<[string, Partial<Account>, boolean]>([
    ["takes another name and address", { username: "bob", email: "bob@example.org" }, true],
    ["takes the same ones in another tenant", { tenant: "other" }, true],
    ["takes two accounts without an address", { username: "bob", email: "" }, true],
    ["refuses a name that is taken, without an event", { email: "bob@example.org" }, false],
    ["refuses an address that is taken, without an event", { username: "bob" }, false],
  ])("%s", async (_, changes, added) => {
    const { accounts } = await openAuthStore({ database, clock });
    await accounts.add({ ...first, email: changes.email === "" ? "" : first.email }, call);
    const second = { ...first, id: newId(), ...changes };
    expect(await accounts.add(second, call)).toBe(added);
    const aggregate = { type: "user", id: second.id };
    const events = await readEvents(openSchema(database, "auth"), { aggregate, limit: 10 });
    expect(events).toHaveLength(added ? 1 : 0);
  });

  it("knows no session of a machine", async () => {
    const { sessions } = await openAuthStore({ database, clock });
    const machine = { ...principalOfAccount(first, ""), kind: "machine" as const, subject: "robot" };
    expect(await sessions.isLive(machine)).toBe(false);
  });

  it("holds no password and no private key in the clear", async () => {
    await start();
    const db = openSchema<Record<string, Record<string, unknown>>>(database, "auth");
    const [key] = await db.selectFrom("signing_keys").selectAll().execute();
    const [user] = await db.selectFrom("users").selectAll().execute();
    expect(Buffer.from(key?.sealed_private_key as Uint8Array).toString("latin1")).not.toContain(
      "\x30\x82\x04",
    );
    expect(user?.password_hash).toMatch(/^\$argon2id\$/);
  });
});

describe("the definition", () => {
  it("reads its configuration and names its database as a dependency", async () => {
    expect(definition.config(configSource({ AUTH_ACCESS_TTL: "120" })).lifetimes.access).toBe(120);
    const { dependencies } = await start();
    expect(dependencies.map(({ name }) => name)).toEqual(["database"]);
    await expect(dependencies[0]?.check(new AbortController().signal)).resolves.toBeUndefined();
  });
});
