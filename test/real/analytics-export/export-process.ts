import { writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { ExportFormat } from "#gen/ts/consciousness/analytics/v1/exports_service_pb.js";
import { everything } from "../../../services/analytics/domain/selection.js";
import { fileBlobs } from "../../../services/analytics/exports/blobs/files.js";
import { formatOf } from "../../../services/analytics/exports/formats/file-format.js";
import { openDuckdb } from "../../../services/analytics/store/duckdb/store.js";

// A process that writes all that a store of DuckDB has into a file, as a job
// does, and says what it took. Its arguments are the store's directory, the name
// of the format, how many rows to write, and the directory of the file `out`.
const [directory = "", format = "", rows = "", target = ""] = process.argv.slice(2);
// Half of what it may take otherwise, which it fills, so that what else grows shows.
const store = await openDuckdb({ directory, memoryMb: 256 });
const selection = everything(undefined, { from: new Date(0), until: new Date("2100-01-01T00:00:00Z") });
const { signal } = new AbortController();
let written = 0;

async function* first() {
  for await (const batch of store.read(selection, signal)) {
    const wanted = batch.slice(0, Number(rows) - written);
    written += wanted.length;
    yield wanted;
    if (written >= Number(rows)) return;
  }
}

const start = performance.now();
const content = formatOf(ExportFormat[format as keyof typeof ExportFormat]).write(first(), {
  directory: dirname(target),
  signal,
});
const bytes = await fileBlobs(target).write("out", content);
const seconds = (performance.now() - start) / 1000;
await store.close();
const peakMiB = process.resourceUsage().maxRSS / 1024;
writeFileSync(1, JSON.stringify({ rows: written, bytes, seconds, peakMiB }));
