import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exportColumns } from "../../services/analytics/exports/columns.js";
import { compiledPath } from "../support/compile.js";
import { decisionsTable, generateRows, overStore } from "./analytics-export/generated-rows.js";

/** `EXPORT_ROWS=5000000` exports as many as the promise was made for, in some ten minutes. */
const wanted = Number(process.env.EXPORT_ROWS ?? 500_000);
const longMs = 1_800_000;
/**
 * Of the whole process, where the store's DuckDB may take 256 and that which writes Parquet 192: what DuckDB
 * keeps of each part of a table that was read comes on top. The files have up to 1,000 for each million.
 */
const mostMiB = 700 + 80 * (wanted / 1_000_000);

const exporter = compiledPath("test/real/analytics-export/export-process.ts");

/** A source for SQL whose columns are those of the store's table, from a file of each format. */
const readers: Readonly<Record<string, (file: string) => string>> = {
  CSV: (file) =>
    `(select * replace (coalesce(agent_id, '') as agent_id, substr("user", 2) as "user",
        rule_ids::json::varchar[] as rule_ids, stages::json::map(varchar, double) as stages,
        frameworks::json::map(varchar, double) as frameworks)
      from read_csv('${file}', header = true, columns = {${typed({ list: "varchar", map: "varchar" })}}))`,
  JSON_LINES: (file) =>
    `read_json('${file}', format = 'newline_delimited',
      columns = {${typed({ list: "varchar[]", map: "map(varchar, double)" })}})`,
  PARQUET: (file) => `read_parquet('${file}')`,
};

function typed({ list, map }: { list: string; map: string }): string {
  const types = {
    text: "varchar",
    number: "double",
    time: "timestamptz",
    truth: "boolean",
    texts: list,
    numbers: map,
  };
  return exportColumns.map(({ name, type }) => `"${name}": '${types[type]}'`).join(", ");
}

/** How many rows a source has, and what they are, in any order. */
function fingerprint(source: string): string {
  const cells = exportColumns.map(({ name, type }) => {
    if (type === "time") return `epoch_ms("${name}")`;
    return type === "texts" || type === "numbers" ? `"${name}"::varchar` : `"${name}"`;
  });
  return `select count(*), sum(hash(${cells.join(", ")})) from ${source}`;
}

describe(`an export of ${wanted} decisions`, () => {
  let directory: string;
  let generated: unknown[][];
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "analytics-export-"));
    await generateRows(directory, wanted);
    const kept = `(select *, user_pseudonym as "user" from ${decisionsTable})`;
    generated = await overStore(directory, (run) => run(fingerprint(kept)));
  }, longMs);
  afterAll(() => rm(directory, { recursive: true, force: true }));

  it.each(Object.keys(readers))(
    "as %s has every one, in memory that hardly grows with them",
    async (format) => {
      const files = join(directory, format);
      const { stdout } = await promisify(execFile)(process.execPath, [
        exporter,
        directory,
        format,
        String(wanted),
        files,
      ]);
      const { rows, peakMiB } = JSON.parse(stdout);
      expect(rows).toBe(wanted);
      expect(peakMiB).toBeLessThan(mostMiB);
      const source = readers[format]?.(join(files, "out")) ?? "";
      const written = await overStore(directory, async (run) => {
        await run("set TimeZone = 'UTC'");
        return run(fingerprint(source));
      });
      expect(written).toEqual(generated);
      await rm(files, { recursive: true });
    },
    longMs,
  );
});
