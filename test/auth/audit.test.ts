import { create } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { sql } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  type AuditActorSchema,
  type AuditEvent,
  AuditEventSchema,
  AuditOutcome,
} from "#gen/ts/consciousness/auth/v1/audit_service_pb.js";
import { Role, Tier } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import { SubjectKind } from "#gen/ts/consciousness/auth/v1/subjects_service_pb.js";
import { AuditClass } from "#gen/ts/consciousness/contract/v1/contract_pb.js";
import { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { Code } from "#gen/ts/google/rpc/code_pb.js";
import { lowestIdAt, newId } from "../../services/kit/ids.js";
import { dropExpired, makePartitions } from "../../services/kit/stores/database/partitions.js";
import { rejectedBy } from "../support/expect-reason.js";
import { type Audit, reader, startAudit } from "./support/audit.js";

const { GATEWAY, AGENTS } = Workload;
let audit: Audit;
let tenant: string;
beforeAll(async () => {
  audit = await startAudit();
});
afterAll(() => audit.database.end());
beforeEach(() => {
  tenant = `tenant-${newId()}`;
});

type Actor = Partial<Omit<AuditEvent["actor"] & typeof AuditActorSchema, never>>;

function event(
  changes: Partial<Omit<AuditEvent, "$typeName" | "actor">> = {},
  actor: object = {},
): AuditEvent {
  return create(AuditEventSchema, {
    id: newId(),
    actor: {
      kind: SubjectKind.USER,
      subject: "u1",
      tenantId: tenant,
      homeTenantId: tenant,
      ...(actor as Actor),
    },
    method: "consciousness.agents.v1.AgentsService/DeleteAgent",
    auditClass: AuditClass.CHANGE,
    target: "a1",
    address: "192.0.2.1",
    userAgent: "curl/8",
    code: Code.OK,
    requestId: newId(),
    count: 1,
    ...changes,
  });
}

/** An event of nobody. */
function strangers(changes: Parameters<typeof event>[0] = {}): AuditEvent {
  return event(
    { code: Code.UNAUTHENTICATED, reason: "CREDENTIALS_INVALID", ...changes },
    { tenantId: "", homeTenantId: "", subject: "", kind: 0 },
  );
}

const record = (...events: AuditEvent[]) =>
  audit.from(GATEWAY).recordAuditEvents({ events: events.map((one) => ({ event: one })) });
const listed = async (filter: object = {}, of = tenant) =>
  (await audit.as(reader(of, Permission.AUDIT_READ)).listAuditEvents(filter)).events;
const ids = (events: readonly AuditEvent[]) => events.map(({ id }) => id);

describe("the audit record", () => {
  it("keeps all that an event says, at the time of its id, from the workload that has proved itself", async () => {
    const kept = event({ workload: "forged" });
    await audit.from(AGENTS).recordAuditEvents({ events: [{ event: kept }] });
    const [found] = await listed();
    expect(found).toEqual({ ...kept, time: found?.time, workload: "agents" });
    expect(lowestIdAt(timestampMs(found!.time!)).slice(0, 13)).toBe(kept.id.slice(0, 13));
  });

  it("takes an event once, however often it comes", async () => {
    const [one, two] = [event(), event()];
    await record(one);
    await record(one, two);
    expect(ids(await listed())).toEqual([two.id, one.id]);
  });

  it("is in both tenants for what somebody does in another's", async () => {
    const home = `tenant-${newId()}`;
    const abroad = event({}, { homeTenantId: home });
    await record(abroad);
    expect(ids(await listed())).toEqual([abroad.id]);
    expect(ids(await listed({}, home))).toEqual([abroad.id]);
  });

  it("shows a tenant nothing of another's, also with a forged page token or filter", async () => {
    await record(event());
    expect(await listed({}, "another")).toEqual([]);
    expect(await listed({ subject: "u1" }, "another")).toEqual([]);
  });

  it("shows what is of no tenant to who administers the platform", async () => {
    const stranger = strangers({ target: newId() });
    await record(stranger);
    const admin = audit.as(reader(tenant, Permission.AUDIT_READ, Permission.SYSTEM_ADMIN));
    const { events } = await admin.listAuditEvents({ platform: true, target: stranger.target });
    expect(ids(events)).toEqual([stranger.id]);
    expect((await admin.listAuditEvents({})).events).toEqual([]);
  });

  it("shows it to nobody else", async () => {
    const missing = {
      code: "PermissionDenied",
      reason: "PERMISSION_MISSING",
      metadata: { permission: "SYSTEM_ADMIN" },
    };
    const attempt = audit.as(reader(tenant, Permission.AUDIT_READ)).listAuditEvents({ platform: true });
    expect(await rejectedBy(attempt)).toMatchObject(missing);
  });
});

describe("a search", () => {
  it.each([
    ["subject", { subject: "u2" }, () => event({}, { subject: "u2" })],
    ["method", { method: "a.B/C" }, () => event({ method: "a.B/C" })],
    [
      "reason",
      { reason: "AGENT_NOT_FOUND" },
      () => event({ reason: "AGENT_NOT_FOUND", code: Code.NOT_FOUND }),
    ],
    ["target", { target: "a2" }, () => event({ target: "a2" })],
    ["address", { address: "2001:db8::1" }, () => event({ address: "2001:db8::1" })],
    ["request", { requestId: "r2" }, () => event({ requestId: "r2" })],
    ["denial", { outcome: AuditOutcome.DENIED }, () => event({ code: Code.PERMISSION_DENIED })],
    ["failure", { outcome: AuditOutcome.FAILED }, () => event({ code: Code.ABORTED })],
  ])("finds events by %s", async (_, filter, wanted) => {
    const found = wanted();
    await record(event(), found, event());
    expect(ids(await listed(filter))).toEqual([found.id]);
  });

  it("finds what succeeded", async () => {
    const found = event();
    await record(found, event({ code: Code.ABORTED }), event({ code: Code.UNAUTHENTICATED }));
    expect(ids(await listed({ outcome: AuditOutcome.OK }))).toEqual([found.id]);
  });

  it("finds events from a time on, and until before another", async () => {
    const start = Date.now();
    const at = (ms: number) => event({ id: `${lowestIdAt(ms).slice(0, 14)}7000-8000-${newId().slice(24)}` });
    const [before, first, last, after] = [start - 1, start, start + 999, start + 1000].map(at);
    await record(before!, first!, last!, after!);
    const range = { startTime: timestampFromMs(start), endTime: timestampFromMs(start + 1000) };
    expect(ids(await listed(range))).toEqual([last!.id, first!.id]);
  });

  it("gives pages, newest first, to their end", async () => {
    const events = Array.from({ length: 5 }, () => event());
    await record(...events);
    const mine = audit.as(reader(tenant, Permission.AUDIT_READ));
    const pages: string[][] = [];
    let pageToken = "";
    do {
      const page = await mine.listAuditEvents({ pageSize: 2, pageToken });
      pages.push(ids(page.events));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    const newestFirst = ids(events).reverse();
    expect(pages).toEqual([newestFirst.slice(0, 2), newestFirst.slice(2, 4), newestFirst.slice(4)]);
  });

  it("refuses a page token of another search, or of another tenant's", async () => {
    await record(event(), event());
    const mine = audit.as(reader(tenant, Permission.AUDIT_READ));
    const { nextPageToken: pageToken } = await mine.listAuditEvents({ pageSize: 1 });
    const invalid = { code: "InvalidArgument", reason: "PAGE_TOKEN_INVALID" };
    expect(await rejectedBy(mine.listAuditEvents({ pageToken, subject: "u1" }))).toMatchObject(invalid);
    expect(await rejectedBy(audit.as(reader("another")).listAuditEvents({ pageToken }))).toMatchObject(
      invalid,
    );
  });
});

describe("an attempt to sign in", () => {
  const attempt = async (accountName: string, tenantName = "default") => {
    const failed = strangers();
    await audit.from(GATEWAY).recordAuditEvents({ events: [{ event: failed, accountName, tenantName }] });
    const rows = await audit.db.selectFrom("audit_events").where("id", "=", failed.id).selectAll().execute();
    expect(rows).toHaveLength(1);
    return rows[0]!;
  };

  it("is kept with the id of an account that exists, in its tenant", async () => {
    const account = { ...newAccount(), username: `ada-${newId()}` };
    await audit.store.accounts.add(account, { requestId: newId(), principal: undefined });
    expect(await attempt(account.username)).toMatchObject({ target: account.id, tenant_id: "default" });
  });

  it("is kept with a keyed hash of a name that is no account's, and never with the name", async () => {
    const name = `hunter2-${newId()}`;
    const [kept, again] = [await attempt(name), await attempt(name)];
    expect(kept).toMatchObject({ target: expect.stringMatching(/^name:[\w-]{43}$/), tenant_id: "default" });
    expect(again.target).toBe(kept.target);
    const everything = await sql<{
      all: string;
    }>`select coalesce(string_agg(e::text, ''), '') as all from auth.audit_events e`.execute(audit.db);
    expect(everything.rows[0]?.all).toContain(kept.target);
    expect(everything.rows[0]?.all).not.toContain(name);
  });

  it("is the platform's when there is no such tenant", async () => {
    expect(await attempt("ada", "no-such-tenant")).toMatchObject({
      tenant_id: "",
      target: expect.stringMatching(/^name:/),
    });
  });
});

describe("an event of an account that nobody had signed in to", () => {
  const rowsOf = async (accountId: string) => {
    const made = event({ target: accountId }, { tenantId: "", homeTenantId: "", subject: "", kind: 0 });
    await audit
      .from(GATEWAY)
      .recordAuditEvents({ events: [{ event: made, accountId, tenantName: "default" }] });
    return audit.db.selectFrom("audit_events").where("id", "=", made.id).selectAll().execute();
  };

  it("is in the record of the account's tenant alone, whichever the call named", async () => {
    const account = { ...newAccount(), tenant };
    await audit.store.accounts.add(account, { requestId: newId(), principal: undefined });
    const rows = await rowsOf(account.id);
    expect(rows.map(({ tenant_id, target }) => [tenant_id, target])).toEqual([[tenant, account.id]]);
    expect(ids(await listed())).toEqual(rows.map(({ id }) => id));
    expect(await listed({}, "default")).not.toContainEqual(expect.objectContaining({ target: account.id }));
  });

  it.each([newId(), "no id", "' or 1=1 --"])("is the platform's where there is no account %j", async (id) => {
    expect((await rowsOf(id)).map(({ tenant_id }) => tenant_id)).toEqual([""]);
  });

  it("is the platform's where an unknown client names no tenant", async () => {
    const failed = strangers();
    await audit.from(GATEWAY).recordAuditEvents({ events: [{ event: failed, accountName: newId() }] });
    const rows = audit.db.selectFrom("audit_events").where("id", "=", failed.id).select("tenant_id");
    expect(await rows.execute()).toEqual([{ tenant_id: "" }]);
  });
});

describe("the database", () => {
  const refusal = "audit events are added and never change";

  it("refuses the service to change or remove an event", async () => {
    await record(event());
    const changed = sql`update auth.audit_events set target = 'x' where tenant_id = ${tenant}`.execute(
      audit.db,
    );
    await expect(changed).rejects.toThrow(refusal);
    const removed = sql`delete from auth.audit_events where tenant_id = ${tenant}`.execute(audit.db);
    await expect(removed).rejects.toThrow(refusal);
    await expect(sql`truncate auth.audit_events`.execute(audit.db)).rejects.toThrow(refusal);
    expect(await listed()).toHaveLength(1);
  });

  it("refuses its owner too", async () => {
    await record(event());
    const owner = await audit.database.connect();
    try {
      for (const change of ["update auth.audit_events set count = 2", "delete from auth.audit_events"])
        await expect(owner.query(change, [])).rejects.toThrow(refusal);
    } finally {
      owner.release();
    }
    expect(await listed()).toHaveLength(1);
  });

  it("moves what strayed to its month, and drops no month of the record", async () => {
    const far = Date.UTC(2090, 5, 15);
    const stray = event({ id: `${lowestIdAt(far).slice(0, 14)}7000-8000-${newId().slice(24)}` });
    await record(stray);
    const owner = await audit.database.connect();
    try {
      const made = await makePartitions(owner, "auth", far);
      expect(made).toContain("audit_events_2090_06");
      const later = Date.UTC(2099, 0);
      const retention = { confidential: 1 };
      const dropped = await dropExpired(owner, { schema: "auth", retention, now: later });
      expect(dropped.filter((name) => name.startsWith("audit_events"))).not.toContain("audit_events_2090_06");
      const { rows } = await owner.query<{ id: string }>("select id from auth.audit_events_2090_06", []);
      expect(rows.map(({ id }) => id)).toEqual([stray.id]);
    } finally {
      owner.release();
    }
  });
});

describe("other workloads", () => {
  it("learn that an account of their principal's tenant exists", async () => {
    const account = newAccount();
    await audit.store.accounts.add(account, { requestId: newId(), principal: undefined });
    const found = await audit.as(reader("default")).resolveSubject({ subject: account.id });
    expect(found.kind).toBe(SubjectKind.USER);
    const unknown = { code: "NotFound", reason: "SUBJECT_NOT_FOUND" };
    for (const [of, subject] of [
      ["default", newId()],
      ["another", account.id],
    ] as const) {
      expect(await rejectedBy(audit.as(reader(of)).resolveSubject({ subject }))).toMatchObject(unknown);
    }
  });
});

function newAccount() {
  const id = newId();
  return {
    id,
    tenant: "default",
    username: `user-${id}`,
    email: "",
    passwordHash: "",
    roles: [Role.USER],
    tier: Tier.BASIC,
    active: true,
    epoch: 0,
    createTime: new Date(),
    lastLoginTime: undefined,
  };
}
