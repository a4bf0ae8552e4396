import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startCollector } from "../support/collector.js";
import { signIn } from "../support/platform.js";
import { restClient } from "../support/rest.js";
import { freePorts, type SpawnedProcess, spawnPlatform } from "../support/spawned-platform.js";
import { generateRows } from "./analytics-export/generated-rows.js";

const rows = 300_000;
const path = "/api/v1/analytics/exports";
const spec = {
  time_range: { start_time: "2026-01-01T00:00:00Z", end_time: "2027-01-01T00:00:00Z" },
  format: "EXPORT_FORMAT_CSV",
  all_tenants: true,
};

/** The value of `find` once there is one. */
async function eventually<T>(find: () => Promise<T | undefined>): Promise<T> {
  for (const end = Date.now() + 240_000; Date.now() < end; ) {
    const found = await find();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("it never came");
}

describe("exports of a running platform", () => {
  let directory: string;
  let url: string;
  let running: SpawnedProcess;
  let collector: Awaited<ReturnType<typeof startCollector>>;
  let rest: ReturnType<typeof restClient>;
  const lines: string[] = [];
  const start = async () => {
    const environment = {
      GATEWAY_PORT: new URL(url).port,
      LOG_LEVEL: "debug",
      TRACE_EXPORTER: "otlp",
      TRACE_ENDPOINT: collector.url,
    };
    running = await spawnPlatform({
      directory,
      environment,
      onLine: (line) => void lines.push(JSON.stringify(line)),
    });
    rest = restClient(url, await signIn(url));
  };
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "export-jobs-"));
    await generateRows(join(directory, "analytics", "decisions"), rows);
    collector = await startCollector();
    const { gateway } = await freePorts(["gateway"]);
    url = `http://127.0.0.1:${gateway}`;
    await start();
  }, 240_000);
  afterAll(async () => {
    await running?.kill("SIGTERM");
    collector?.close();
    await rm(directory, { recursive: true, force: true });
  });

  const finished = (id: string) =>
    eventually(async () => {
      const { body } = await rest("GET", `${path}/${id}`);
      return ["EXPORT_STATE_PENDING", "EXPORT_STATE_RUNNING"].includes(body.state) ? undefined : body;
    });

  it("send a file with its type and its name, to be saved", async () => {
    const short = { ...spec, time_range: { ...spec.time_range, end_time: "2026-03-01T00:00:10Z" } };
    const answer = await rest("POST", "/api/v1/analytics/export", { spec: short });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("text/csv; charset=utf-8; header=present");
    expect(answer.headers.get("content-disposition")).toBe('attachment; filename="decisions.csv"');
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(String(answer.body).split("\r\n")).toHaveLength(22);
  });

  it("refuse more rows than are sent at once before the first byte", async () => {
    const answer = await rest("POST", "/api/v1/analytics/export", { spec });
    expect([answer.status, answer.body.reason]).toEqual([422, "EXPORT_TOO_LARGE"]);
  });

  it("are taken up again after kill -9, and their link needs no session and leaves no trace", async () => {
    const { body: made } = await rest("POST", path, { spec });
    await eventually(async () => {
      const { body } = await rest("GET", `${path}/${made.id}`);
      return Number(body.rows_written) > 0 && body.state === "EXPORT_STATE_RUNNING" ? true : undefined;
    });
    await running.kill("SIGKILL");
    await start();
    const done = await finished(made.id);
    expect(done).toMatchObject({ state: "EXPORT_STATE_SUCCEEDED", rows_written: String(rows) });
    expect(await readdir(join(directory, "analytics", "exports", "files"))).toHaveLength(1);

    const response = await fetch(`${url}${done.download_path}`);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-disposition")).toBe(
      `attachment; filename="decisions-${made.id}.csv"`,
    );
    const text = await response.text();
    expect(text.length).toBe(Number(done.size_bytes));
    expect(text.split("\r\n")).toHaveLength(rows + 2);

    const link = new URL(done.download_path, url);
    const signature = link.searchParams.get("signature") ?? "";
    const forged = signature.replace(/^./, (first) => (first === "A" ? "B" : "A"));
    link.searchParams.set("signature", forged);
    const refused = await restClient(url)("GET", `${link.pathname}${link.search}`);
    expect([refused.status, refused.body.reason]).toEqual([403, "EXPORT_LINK_INVALID"]);
    expect(JSON.stringify(refused.body)).not.toContain(forged);

    await running.kill("SIGTERM");
    const spans = Buffer.concat(collector.requests.map(({ body }) => body)).toString("latin1");
    expect(spans).toContain("DownloadExport");
    expect(lines.some((line) => line.includes("DownloadExport"))).toBe(true);
    for (const secret of [signature, forged]) {
      expect(lines.filter((line) => line.includes(secret))).toEqual([]);
      expect(spans.includes(secret)).toBe(false);
    }
  }, 480_000);
});
