import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ExportFormat } from "#gen/ts/consciousness/analytics/v1/exports_service_pb.js";
import { exportColumns } from "../../../services/analytics/exports/columns.js";
import { csvHeader, csvLines } from "../../../services/analytics/exports/formats/csv.js";
import { formatOf, type Rows } from "../../../services/analytics/exports/formats/file-format.js";
import { jsonLines } from "../../../services/analytics/exports/formats/json-lines.js";
import { type DecisionRow, figures } from "../../../services/analytics/store/port.js";
import { decision, figuresOf } from "./rows.js";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "formats-"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const never = new AbortController().signal;

async function* batches(...all: readonly (readonly DecisionRow[])[]): Rows {
  yield* all;
}

async function bytesOf(format: ExportFormat, rows: Rows, signal = never): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of formatOf(format).write(rows, { directory, signal })) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Cells of a file by RFC 4180. */
function parseCsv(text: string): string[][] {
  const lines: string[][] = [];
  let cells: string[] = [];
  let at = 0;
  while (at < text.length) {
    let cell = "";
    if (text[at] === '"') {
      for (at += 1; text[at] !== '"' || text[at + 1] === '"'; at += 1) {
        if (text[at] === '"') at += 1;
        cell += text[at];
      }
      at += 1;
    } else for (; !/[,\r]/.test(text[at] ?? ","); at += 1) cell += text[at];
    cells.push(cell);
    if (text[at] === "\r") {
      lines.push(cells);
      cells = [];
      at += 1;
    }
    at += 1;
  }
  return lines;
}

const column = (name: string) => exportColumns.findIndex((one) => one.name === name);

describe("exported columns", () => {
  it("hold every figure, and nothing above the class INTERNAL", () => {
    const names = exportColumns.map(({ name }) => name);
    expect(names).toEqual([...new Set(names)]);
    expect(figures.filter((figure) => !names.includes(figure))).toEqual([]);
    expect(exportColumns.filter(({ dataClass }) => !["public", "internal"].includes(dataClass))).toEqual([]);
    expect(
      exportColumns.filter(
        ({ type, unit }) => (type === "number") !== (unit !== "" && type !== "time" && type !== "numbers"),
      ),
    ).toEqual([]);
  });
});

describe("a CSV file", () => {
  it("has a header and a line for each row, each of as many cells", async () => {
    const text = String(await bytesOf(ExportFormat.CSV, batches([decision(1)], [decision(2), decision(4)])));
    const [header, ...lines] = parseCsv(text);
    expect(header).toEqual(exportColumns.map(({ name }) => name));
    expect(lines).toHaveLength(3);
    expect(lines.map((cells) => cells.length)).toEqual([header?.length, header?.length, header?.length]);
    expect(lines[0]?.[column("time")]).toBe("2026-03-01T12:00:01.000Z");
    expect(lines[0]?.[column("cost")]).toBe("1e-7");
    expect(lines[0]?.[column("quality")]).toBe("");
    expect(JSON.parse(lines[2]?.[column("rule_ids")] ?? "")).toEqual(["harm.fraud", "privacy.leak"]);
    expect(JSON.parse(lines[2]?.[column("stages")] ?? "")).toEqual(decision(4).stages);
  });

  it("gives every text back, whatever it holds", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (composer) => {
        const [cells] = parseCsv(csvLines([decision(1, { composer })]));
        const cell = cells?.[column("composer")] ?? "";
        expect(/^[=+\-@\t\r]/.test(composer) ? cell.slice(1) : cell).toBe(composer);
      }),
      { numRuns: 50 },
    );
  });

  it.each(["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])("keeps %j from being a formula", (composer) => {
    const [cells] = parseCsv(csvLines([decision(1, { composer })]));
    expect(cells?.[column("composer")]).toBe(`'${composer}`);
  });

  it("leaves numbers below zero what they are", () => {
    const [cells] = parseCsv(csvLines([decision(1, { figures: figuresOf({ cost: -2.5 }) })]));
    expect(cells?.[column("cost")]).toBe("-2.5");
  });

  it("has its header alone without rows", async () => {
    expect(String(await bytesOf(ExportFormat.CSV, batches()))).toBe(csvHeader);
  });
});

describe("a file of JSON lines", () => {
  it("gives every row back", async () => {
    const rows = [decision(1), decision(4, { composer: 'a\n\u2028"b' })];
    const lines = String(await bytesOf(ExportFormat.JSON_LINES, batches(rows))).split("\n");
    expect(lines.pop()).toBe("");
    const cells = rows.map((row) => Object.fromEntries(exportColumns.map(({ name, of }) => [name, of(row)])));
    expect(lines.map((line) => JSON.parse(line))).toEqual(JSON.parse(JSON.stringify(cells)));
    expect(jsonLines([])).toBe("");
  });
});

describe("a Parquet file", () => {
  it("gives every row back, with types, and leaves nothing behind", async () => {
    const odd = { composer: "Zeile\n'\"\u0000🙂", ruleIds: ["a'b", '"'], stages: { "it's": 1e-9 } };
    const rows = [decision(1), decision(4), decision(5, odd), decision(6, { figures: figuresOf({}) })];
    const file = join(directory, "read-back.parquet");
    await writeFile(file, await bytesOf(ExportFormat.PARQUET, batches(rows.slice(0, 3), rows.slice(3))));
    expect(await readdir(directory)).toEqual(["read-back.parquet"]);

    const connection = await (await DuckDBInstance.create()).connect();
    const types = await connection.runAndReadAll(`describe select * from '${file}'`);
    expect(types.getRowObjects().map(({ column_name }) => column_name)).toEqual(
      exportColumns.map(({ name }) => name),
    );
    const read = await connection.runAndReadAll(
      `select columns(c -> c not in ('rule_ids', 'stages', 'frameworks', 'time')), epoch_ms(time) as time,
         to_json(rule_ids)::varchar as rule_ids, to_json(stages)::varchar as stages, to_json(frameworks)::varchar as frameworks
       from '${file}'`,
    );
    expect(read.getRowObjects().map(parsed)).toEqual(rows.map(plain));
    connection.closeSync();
  });

  it("is not made for whoever leaves", async () => {
    const left = new AbortController();
    async function* endless(): Rows {
      for (let n = 0; ; n += 1) {
        if (n === 3) left.abort(new Error("left"));
        yield [decision(n)];
      }
    }
    await expect(bytesOf(ExportFormat.PARQUET, endless(), left.signal)).rejects.toThrow("left");
    expect((await readdir(directory)).filter((name) => name.startsWith("parquet-"))).toEqual([]);
  });
});

/** A row as DuckDB reads it, with times in milliseconds. */
function plain(row: DecisionRow): Record<string, unknown> {
  const cells = exportColumns.map(({ name, of }) => {
    const cell = of(row);
    return [name, cell instanceof Date ? BigInt(cell.getTime()) : cell];
  });
  return Object.fromEntries(cells);
}

function parsed({ rule_ids, stages, frameworks, ...row }: Record<string, unknown>): Record<string, unknown> {
  const [rules, times, scores] = [rule_ids, stages, frameworks].map((text) => JSON.parse(String(text)));
  return { ...row, rule_ids: rules, stages: times, frameworks: scores };
}
