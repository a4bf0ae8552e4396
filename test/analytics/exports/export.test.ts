import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ExportFormat } from "#gen/ts/consciousness/analytics/v1/exports_service_pb.js";
import { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { createPseudonyms } from "../../../services/analytics/domain/pseudonyms.js";
import { sendExport } from "../../../services/analytics/rpc/export.js";
import { rejectedBy } from "../../support/expect-reason.js";
import { contextOf, exportRequest, person } from "./exports.js";
import { decision, storeOf } from "./rows.js";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "export-"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const pseudonyms = createPseudonyms(Buffer.alloc(32, 9));
const rows = Array.from({ length: 500 }, (_, n) =>
  decision(n, { user: pseudonyms.of("default", `user-${n % 5}`) }),
);

function handler(store = storeOf(rows), more: { rowLimit?: number; sentAtOnce?: number } = {}) {
  return sendExport({ store, pseudonyms, directory, rowLimit: 1000, sentAtOnce: 4, ...more });
}

async function collected(answer: AsyncIterable<{ contentType?: string; data?: Uint8Array }>) {
  const pieces: Uint8Array[] = [];
  const types = new Set<string | undefined>();
  for await (const { contentType, data } of answer) {
    types.add(contentType);
    if (data) pieces.push(data);
  }
  return { types: [...types], text: Buffer.concat(pieces).toString() };
}

describe("Export", () => {
  it.each([
    [ExportFormat.CSV, "text/csv; charset=utf-8; header=present", "decisions.csv"],
    [ExportFormat.JSON_LINES, "application/x-ndjson", "decisions.jsonl"],
    [ExportFormat.PARQUET, "application/vnd.apache.parquet", "decisions.parquet"],
  ])("sends a file of format %i with its type and its name", async (format, type, name) => {
    const context = contextOf(person("default"));
    const { types, text } = await collected(handler()(exportRequest({ format }), context));
    expect(types).toEqual([type]);
    expect(context.responseHeader.get("content-disposition")).toBe(`attachment; filename="${name}"`);
    expect(text.length).toBeGreaterThan(1000);
  });

  it("sends what the filter lets through, accounts by id or by pseudonym", async () => {
    for (const id of ["user-3", pseudonyms.of("default", "user-3")]) {
      const request = exportRequest({ format: ExportFormat.JSON_LINES, filter: { userIds: [id] } });
      const { text } = await collected(handler()(request, contextOf(person("default"))));
      const users = text
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line).user);
      expect(users).toHaveLength(100);
      expect(new Set(users)).toEqual(new Set([pseudonyms.of("default", "user-3")]));
    }
  });

  it("sends a tenant its own, and those of all to who administers tenants alone", async () => {
    const store = storeOf([decision(1), decision(2, { tenantId: "other" })]);
    const lines = async (allTenants: boolean, ...permissions: Permission[]) => {
      const request = exportRequest({ format: ExportFormat.JSON_LINES, allTenants });
      const { text } = await collected(handler(store)(request, contextOf(person("default", ...permissions))));
      return text
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line).tenant_id);
    };
    expect(await lines(false)).toEqual(["default"]);
    expect(await lines(true, Permission.TENANT_ADMIN)).toEqual(["default", "other"]);
    expect(await rejectedBy(lines(true, Permission.ANALYTICS_ADMIN))).toMatchObject({
      code: "PermissionDenied",
      reason: "ALL_TENANTS_NOT_ALLOWED",
    });
  });

  it("sends as many rows as it may, and nothing of more", async () => {
    const send = (rowLimit: number) =>
      collected(handler(storeOf(rows), { rowLimit })(exportRequest(), contextOf(person("default"))));
    expect((await send(500)).text.split("\r\n")).toHaveLength(502);
    expect(await rejectedBy(send(499))).toEqual({
      code: "FailedPrecondition",
      reason: "EXPORT_TOO_LARGE",
      metadata: { rows: "500", limit: "499" },
    });
  });

  it("reads no faster than its client, and stops when that leaves", async () => {
    const store = storeOf(rows, 10);
    const answer = handler(store)(exportRequest(), contextOf(person("default")))[Symbol.asyncIterator]();
    for (let piece = 0; piece < 4; piece += 1) await answer.next();
    await new Promise((resolve) => setImmediate(resolve));
    expect(store.seen.taken).toBe(3);
    await answer.return?.(undefined);
    expect(store.seen).toEqual({ taken: 3, closed: true });
  });

  it("sends so many at once, and refuses further ones until one has ended", async () => {
    const send = handler(storeOf(rows), { sentAtOnce: 1 });
    const first = send(exportRequest(), contextOf(person("default")))[Symbol.asyncIterator]();
    await first.next();
    const second = () => collected(send(exportRequest(), contextOf(person("default"))));
    expect(await rejectedBy(second())).toMatchObject({
      code: "ResourceExhausted",
      reason: "EXPORTS_EXHAUSTED",
      metadata: { limit: "1" },
    });
    await first.return?.(undefined);
    expect((await second()).text.split("\r\n")).toHaveLength(502);
  });
});
