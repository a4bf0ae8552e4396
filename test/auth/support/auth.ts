import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, type DescMethodUnary, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { createContextValues, type HandlerContext } from "@connectrpc/connect";
import { sql } from "kysely";
import { AuthService } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { Role, Tier } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import type { Event } from "#gen/ts/consciousness/contract/v1/event_pb.js";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import type { AuthConfig } from "../../../services/auth/config.js";
import { type Account, defaultTenant, type NewAccount } from "../../../services/auth/domain/account.js";
import { createPasswords } from "../../../services/auth/domain/passwords.js";
import { permissionsOf, shippedRoles } from "../../../services/auth/domain/roles.js";
import { definition } from "../../../services/auth/service.js";
import { type AuthTables, openAuthStore } from "../../../services/auth/store.js";
import { type Call, type Client, callKey, type Principal } from "../../../services/kit/context.js";
import { newId } from "../../../services/kit/ids.js";
import type { Log } from "../../../services/kit/log.js";
import { readEvents } from "../../../services/kit/outbox.js";
import { openSchema } from "../../../services/kit/stores/database/kysely.js";
import type { Database } from "../../../services/kit/stores/database/port.js";
import { defaultTokenIssuer } from "../../../services/kit/tokens.js";
import type { Platform, Served } from "../../../services/kit/workload.js";
import { testDatabase } from "../../support/database.js";

type Methods = typeof AuthService.method;
type Handler = (request: unknown, context: HandlerContext) => Promise<object>;

/** The methods of the service without the chain, with everything below it. */
export type AuthMethods = {
  readonly [K in keyof Methods]: (
    request: MessageInitShape<Methods[K]["input"]>,
  ) => Promise<MessageShape<Methods[K]["output"]>>;
};

/** How a test calls. */
export interface CallOptions {
  readonly principal?: Principal;
  readonly caller?: Workload;
  readonly client?: Client;
  readonly signal?: AbortSignal;
}

export const startTime = Date.parse("2026-03-01T12:00:00.000Z");

/** Password of every account that tests make. */
export const password = "correct horse battery staple";

/** Cheap hashes: what is tested is not their strength. */
export const testConfig: AuthConfig = {
  adminPassword: "an admin's password",
  lifetimes: { access: 900, refresh: 604_800 },
  passwords: { concurrency: 2, waiting: 64, memoryKib: 64, passes: 1 },
  apiKeys: { perAccount: 5, longestDays: 30 },
  accounts: { failures: { perAccount: 5, perAddress: 20 }, openRegistration: false, mail: undefined },
  keyEncryptionKey: Buffer.alloc(32, 7),
  signing: { algorithm: "RS256", periodMs: 30 * 86_400_000 },
  tokenIssuer: defaultTokenIssuer,
  production: false,
  terminal: false,
};

/** A time that passes only when told. */
export function testTime() {
  let at = startTime;
  return {
    clock: { now: () => at, monotonic: () => at },
    advance: (ms: number) => {
      at += ms;
    },
  };
}

/** A data directory of its own. */
export async function testDirectory() {
  const path = await mkdtemp(join(tmpdir(), "auth-test-"));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

const nothing = () => undefined;
const silent: Pick<Log, "error" | "warn" | "info" | "debug"> = {
  error: nothing,
  warn: nothing,
  info: nothing,
  debug: nothing,
};

/** Starts the service as a process would. */
export function startService(config: AuthConfig, platform: Partial<Platform>): Promise<Served> {
  return definition.start(config, { log: silent, ...platform } as Platform);
}

/** The service on a database in memory. One per file; give each test an account of its own. */
export async function startAuth(changes: Partial<AuthConfig> = {}) {
  const database = await testDatabase();
  const time = testTime();
  const config = { ...testConfig, ...changes };
  const platform = { clock: time.clock, dataDirectory: "/nonexistent", database: async () => database };
  const served = await startService(config, platform);
  const store = await openAuthStore({ database, clock: time.clock });
  const db = openSchema<AuthTables>(database, "auth");
  const passwordHash = await (await createPasswords(config.passwords)).hash(password);

  return {
    database,
    store,
    served,
    time,
    db,
    call: (options: CallOptions = {}): AuthMethods => callable(served, options),
    /** Adds an account whose password is `password`. */
    async account(changes: Partial<Account> = {}): Promise<Account> {
      const account = { ...newAccount(passwordHash), ...changes };
      await store.accounts.add(account, { requestId: newId(), principal: undefined });
      return { ...account, permissions: permissionsOf(account.roles, shippedRoles) };
    },
    disable: (account: Account) =>
      db.updateTable("users").set({ active: false }).where("id", "=", account.id).execute(),
    /** Events of an aggregate, oldest first. */
    events: (type: string, id: string): Promise<Event[]> =>
      readEvents(db, { aggregate: { type, id }, limit: 100 }),
    /** Makes every event fail while `work` runs. */
    async withoutEvents<R>(work: () => Promise<R>): Promise<R> {
      await sql`alter table auth.outbox add constraint no_events check (false) not valid`.execute(db);
      return work().finally(() => sql`alter table auth.outbox drop constraint no_events`.execute(db));
    },
    async stop() {
      await served.stop?.();
      await (database as Database).end();
    },
  };
}

/** The started service. */
export type Auth = Awaited<ReturnType<typeof startAuth>>;

/** Short type name of an event's payload. */
export function eventType(event: Event): string {
  return event.payload?.typeUrl.split(".").at(-1) ?? "";
}

/** An ordinary account of the default tenant. */
export function newAccount(passwordHash: string): NewAccount {
  const id = newId();
  return {
    id,
    tenant: defaultTenant,
    username: `user-${id}`,
    email: "",
    passwordHash,
    roles: [Role.USER],
    tier: Tier.BASIC,
    active: true,
    epoch: 0,
    createTime: new Date(startTime),
    lastLoginTime: undefined,
  };
}

/** The methods of a started service. */
export function callable(served: Served, options: CallOptions = {}): AuthMethods {
  const handlers = served.implementations[0]?.handlers as Record<string, Handler>;
  const method = (name: string, { input, output }: DescMethodUnary) => {
    return async (request: MessageInitShape<typeof input>) => {
      const message = Object.freeze(create(input, request as never));
      return create(output, (await handlers[name]?.(message, contextOf(options))) as never);
    };
  };
  return Object.fromEntries(
    Object.entries(AuthService.method).map(([name, desc]) => [name, method(name, desc as DescMethodUnary)]),
  ) as unknown as AuthMethods;
}

function contextOf({ principal, caller = Workload.GATEWAY, client, signal }: CallOptions): HandlerContext {
  const call: Call = {
    requestId: newId(),
    correlationId: "test",
    caller,
    client,
    principal,
    credential: undefined,
    deadline: Number.POSITIVE_INFINITY,
    queueMs: 0,
  };
  const values = createContextValues().set(callKey, call);
  return { values, signal: signal ?? new AbortController().signal } as HandlerContext;
}
