import { create } from "@bufbuild/protobuf";
import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  DeleteExportRequestSchema,
  DownloadExportRequestSchema,
  ExportFormat,
  ExportSchema,
  ExportState,
  GetExportRequestSchema,
  GetExportResponseSchema,
  ListExportsRequestSchema,
  ListExportsResponseSchema,
} from "#gen/ts/consciousness/analytics/v1/exports_service_pb.js";
import { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { exportDefaults } from "../../../services/analytics/exports/config.js";
import type { Exports } from "../../../services/analytics/exports/handlers.js";
import type { Principal } from "../../../services/kit/context.js";
import { errors } from "../../../services/kit/errors.js";
import { newId } from "../../../services/kit/ids.js";
import type { Database } from "../../../services/kit/stores/database/port.js";
import { testDatabase } from "../../support/database.js";
import { rejectedBy } from "../../support/expect-reason.js";
import { eventually, until } from "../../support/until.js";
import { contextOf, createRequest, exportsOn, person } from "./exports.js";
import { decision, storeOf } from "./rows.js";

let database: Database;
let platform: Awaited<ReturnType<typeof exportsOn>>;
beforeAll(async () => {
  database = await testDatabase();
  platform = await exportsOn(database);
});
afterEach(() => platform.empty());
afterAll(async () => {
  await platform.close();
  await database.end();
});

const rows = Array.from({ length: 300 }, (_, n) => decision(n));
const missing = { code: "NotFound", reason: "EXPORT_NOT_FOUND" };

/** The service as a principal calls it. */
const as = (principal: Principal | undefined, { handlers }: Exports) => ({
  create: async (more = {}, key?: string) => {
    const method = "consciousness.analytics.v1.ExportsService/CreateExport";
    const context = contextOf(principal, key === undefined ? {} : { key: { method, value: key } });
    const { export: made } = await handlers.createExport(createRequest(more), context);
    return made?.id ?? "";
  },
  async get(id: string) {
    const request = create(GetExportRequestSchema, { id });
    const response = await handlers.getExport(request, contextOf(principal));
    return create(GetExportResponseSchema, response).export ?? create(ExportSchema);
  },
  async list(page: { pageSize?: number; pageToken?: string } = {}) {
    const request = create(ListExportsRequestSchema, page);
    return create(ListExportsResponseSchema, await handlers.listExports(request, contextOf(principal)));
  },
  async remove(id: string) {
    await handlers.deleteExport(create(DeleteExportRequestSchema, { id }), contextOf(principal));
  },
  async download(link: string): Promise<string> {
    const url = new URL(link, "http://platform");
    const request = create(DownloadExportRequestSchema, {
      id: url.pathname.split("/").at(-2) ?? "",
      expires: BigInt(url.searchParams.get("expires") ?? 0),
      signature: url.searchParams.get("signature") ?? "",
    });
    const pieces: Uint8Array[] = [];
    for await (const { data } of handlers.downloadExport(request, contextOf(undefined))) {
      if (data) pieces.push(data);
    }
    return Buffer.concat(pieces).toString();
  },
});

/** A store whose rows do not come until they are let. */
function gated() {
  const store = storeOf(rows);
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  return {
    open,
    seen: store.seen,
    count: store.count,
    async *read(...args: Parameters<typeof store.read>) {
      const aborted = new Promise<never>((_, reject) => {
        args[1]?.addEventListener("abort", () => reject(args[1]?.reason));
      });
      aborted.catch(() => undefined);
      await Promise.race([gate, aborted]);
      yield* store.read(...args);
    },
  };
}

describe("an export job", () => {
  it("writes a file that its link gives to whoever has it, and tells of it", async () => {
    const exports = platform.open({ store: storeOf(rows) });
    const owner = person("default");
    const mine = as(owner, exports);
    const id = await mine.create();
    const done = await until(async () => {
      const found = await mine.get(id);
      return found.state === ExportState.SUCCEEDED ? found : undefined;
    });
    expect(done).toMatchObject({ rowsTotal: 300n, rowsWritten: 300n, failure: "" });
    const text = await as(undefined, exports).download(done.downloadPath);
    expect(text.trimEnd().split("\r\n")).toHaveLength(301);
    expect(done.sizeBytes).toBe(BigInt(text.length));
    expect(await platform.events(id)).toEqual([
      { version: 1n, actor: owner.subject, type: "ExportCreated" },
      { version: 2n, actor: owner.subject, type: "ExportFinished" },
    ]);
    await exports.stop();
  });

  it("is made once for an idempotency key", async () => {
    const exports = platform.open({ store: storeOf(rows) });
    const mine = as(person("default"), exports);
    const key = newId();
    expect(await mine.create({}, key)).toBe(await mine.create({}, key));
    expect((await mine.list()).exports).toHaveLength(1);
    const other = mine.create({ format: ExportFormat.PARQUET }, key);
    expect(await rejectedBy(other)).toMatchObject({ reason: "IDEMPOTENCY_KEY_REUSED" });
    await exports.stop();
  });

  it("is refused when a tenant has as many as it may, and to no other tenant", async () => {
    const exports = platform.open({ store: gated(), config: { ...exportDefaults, jobs: 2 } });
    const mine = as(person("default"), exports);
    await mine.create();
    const second = await mine.create();
    expect(await rejectedBy(mine.create())).toEqual({
      code: "ResourceExhausted",
      reason: "EXPORTS_EXHAUSTED",
      metadata: { limit: "2" },
    });
    await as(person("other"), exports).create();
    await mine.remove(second);
    await exports.sweep();
    await mine.create();
    await exports.stop();
  });

  it("of everybody takes the permission", async () => {
    const exports = platform.open({ store: storeOf([decision(1, { tenantId: "other" })]) });
    const refused = as(person("default"), exports).create({ allTenants: true });
    expect(await rejectedBy(refused)).toMatchObject({
      code: "PermissionDenied",
      reason: "ALL_TENANTS_NOT_ALLOWED",
    });
    const mine = as(person("default", Permission.TENANT_ADMIN), exports);
    const id = await mine.create({ allTenants: true });
    await eventually(async () =>
      expect(await mine.get(id)).toMatchObject({ rowsWritten: 1n, sizeBytes: expect.anything() }),
    );
    await exports.stop();
  });

  it("is for its owner, and for who administers analytics of the tenant, alone", async () => {
    const exports = platform.open({ store: gated() });
    const owner = person("default");
    const id = await as(owner, exports).create();
    const admin = as(person("default", Permission.ANALYTICS_ADMIN), exports);
    expect((await admin.get(id)).id).toBe(id);
    expect((await admin.list()).exports.map((one) => one.id)).toEqual([id]);
    for (const other of [person("default"), person("other"), person("other", Permission.ANALYTICS_ADMIN)]) {
      const theirs = as(other, exports);
      expect(await rejectedBy(theirs.get(id))).toMatchObject(missing);
      expect(await rejectedBy(theirs.remove(id))).toMatchObject(missing);
      expect((await theirs.list()).exports).toEqual([]);
    }
    await exports.stop();
  });

  it("is listed newest first, page by page, without its link", async () => {
    const exports = platform.open({ store: storeOf(rows) });
    const mine = as(person("default"), exports);
    const ids = [await mine.create(), await mine.create(), await mine.create()].reverse();
    await eventually(async () => expect((await mine.get(ids[0] ?? "")).downloadPath).not.toBe(""));
    const first = await mine.list({ pageSize: 2 });
    const second = await mine.list({ pageSize: 2, pageToken: first.nextPageToken });
    const all = [...first.exports, ...second.exports];
    expect(all.map(({ id }) => id)).toEqual(ids);
    expect(all.map(({ downloadPath }) => downloadPath)).toEqual(["", "", ""]);
    expect(second.nextPageToken).toBe("");
    await exports.stop();
  });

  it("that cannot be selected is refused at once", async () => {
    const exports = platform.open({ store: storeOf(rows) });
    const refused = as(person("default"), exports).create({ filter: { ranges: [{ metric: 3 }] } });
    expect(await rejectedBy(refused)).toMatchObject({ code: "InvalidArgument", reason: "QUERY_INVALID" });
    await exports.stop();
  });
});

describe("a job that is being written", () => {
  it("goes back when its process stops, and is written by the next", async () => {
    const store = gated();
    const first = platform.open({ store });
    const mine = as(person("default"), first);
    const id = await mine.create();
    await eventually(async () => expect((await mine.get(id)).state).toBe(ExportState.RUNNING));
    await first.stop();
    expect((await mine.get(id)).state).toBe(ExportState.PENDING);
    const second = platform.open({ store: storeOf(rows) });
    await eventually(async () => expect((await mine.get(id)).state).toBe(ExportState.SUCCEEDED));
    expect(await platform.files()).toHaveLength(1);
    await second.stop();
  });

  it("is taken up by another when its own says nothing, and what it writes then is lost", async () => {
    const store = gated();
    const frozen = platform.open({ store, leaseMs: 1_000_000 });
    const mine = as(person("default"), frozen);
    const id = await mine.create();
    await eventually(async () => expect((await mine.get(id)).state).toBe(ExportState.RUNNING));
    await platform.db
      .updateTable("exports")
      .set({ held_until: new Date(0) })
      .where("id", "=", id)
      .execute();
    const other = platform.open({ store: storeOf(rows) });
    const done = await until(async () => {
      const found = await mine.get(id);
      return found.state === ExportState.SUCCEEDED ? found : undefined;
    });
    store.open();
    await eventually(() => expect(store.seen.closed).toBe(true));
    await eventually(async () => expect(await platform.files()).toHaveLength(1));
    expect((await mine.download(done.downloadPath)).split("\r\n")).toHaveLength(302);
    expect((await platform.events(id)).map(({ type }) => type)).toEqual(["ExportCreated", "ExportFinished"]);
    await Promise.all([frozen.stop(), other.stop()]);
  });

  it("ends when it is deleted, with its file", async () => {
    const store = gated();
    const exports = platform.open({ store, leaseMs: 100 });
    const mine = as(person("default"), exports);
    const id = await mine.create();
    await eventually(async () => expect((await mine.get(id)).state).toBe(ExportState.RUNNING));
    await mine.remove(id);
    expect(await rejectedBy(mine.get(id))).toMatchObject(missing);
    await eventually(async () => {
      await exports.sweep();
      expect(await platform.db.selectFrom("exports").selectAll().execute()).toEqual([]);
    });
    // Another sweep may have taken the row, and be about to take the file.
    await eventually(async () => expect(await platform.files()).toEqual([]));
    expect((await platform.events(id)).map(({ type }) => type)).toEqual(["ExportCreated", "ExportDeleted"]);
    await exports.stop();
  });

  it("fails when its file grows too large, and says so", async () => {
    const exports = platform.open({ store: storeOf(rows), config: { ...exportDefaults, mostBytes: 1000 } });
    const mine = as(person("default"), exports);
    const id = await mine.create();
    await eventually(async () => expect((await mine.get(id)).state).toBe(ExportState.FAILED));
    expect((await mine.get(id)).failure).toMatch(/more than 1000 bytes/);
    expect(await platform.files()).toEqual([]);
    await exports.stop();
  });

  it("is tried three times while the store is away, and fails then", async () => {
    const store = {
      ...storeOf(rows),
      count: () => Promise.reject(errors.dependencyUnavailable({ dependency: "The store" })),
    };
    const exports = platform.open({ store, leaseMs: 20 });
    const mine = as(person("default"), exports);
    const id = await mine.create();
    await eventually(async () => expect((await mine.get(id)).state).toBe(ExportState.FAILED));
    expect((await mine.get(id)).failure).toMatch(/3 times/);
    await exports.stop();
  });

  it("tells nothing of a failure that is none of the catalogue's", async () => {
    const store = { ...storeOf(rows), count: () => Promise.reject(new Error("password of the store")) };
    const exports = platform.open({ store });
    const mine = as(person("default"), exports);
    const id = await mine.create();
    await eventually(async () => expect((await mine.get(id)).state).toBe(ExportState.FAILED));
    expect((await mine.get(id)).failure).toBe("It could not be written.");
    await exports.stop();
  });
});

describe("the link of a job", () => {
  it("ends after a quarter of an hour, and never after the file", async () => {
    const exports = platform.open({ store: storeOf(rows) });
    const mine = as(person("default"), exports);
    const id = await mine.create();
    const done = await until(async () => {
      const found = await mine.get(id);
      return found.state === ExportState.SUCCEEDED ? found : undefined;
    });
    const link = done.downloadPath;
    const start = platform.time.now;
    expect(timestampDate(done.downloadExpireTime as Timestamp).getTime()).toBe(start + 900_000);
    platform.time.now = start + 900_000;
    expect(await rejectedBy(mine.download(link))).toMatchObject({
      code: "PermissionDenied",
      reason: "EXPORT_LINK_INVALID",
    });
    platform.time.now = start + 86_400_000 - 60_000;
    const late = await mine.get(id);
    expect(timestampDate(late.downloadExpireTime as Timestamp).getTime()).toBe(start + 86_400_000);

    platform.time.now = start + 86_400_000;
    expect(await rejectedBy(mine.get(id))).toMatchObject(missing);
    await exports.sweep();
    expect(await platform.files()).toEqual([]);
    platform.time.now = start;
    expect(await rejectedBy(mine.download(link))).toMatchObject(missing);
    await exports.stop();
  });
});
