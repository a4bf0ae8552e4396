import { parseArgs } from "node:util";
import { ownTemporaryDirectory } from "./own-temporary-directory.js";
import { formatRows, type Row } from "./rows.js";

/** A bench: measures, and compares with what else there is. */
export type Bench = (args: readonly string[]) => Promise<readonly Row[]>;

const benches: Readonly<Record<string, () => Promise<{ bench: Bench }>>> = {
  analytics: () => import("./analytics.bench.js"),
  audit: () => import("./audit.bench.js"),
  codec: () => import("./codec.bench.js"),
  gateway: () => import("./gateway.bench.js"),
  identity: () => import("./identity.bench.js"),
  limits: () => import("./limits.bench.js"),
  policy: () => import("./policy.bench.js"),
  process: () => import("./process.bench.js"),
  stores: () => import("./stores.bench.js"),
};

/** `npm run bench -- <name> [--json] [options of the bench]` */
async function main([name = "", ...args]: readonly string[]): Promise<void> {
  const load = benches[name];
  if (!load) {
    process.stderr.write(`There is no bench ${name}; there are ${Object.keys(benches).join(", ")}.\n`);
    process.exitCode = 2;
    return;
  }
  const { values } = parseArgs({ args: [...args], options: { json: { type: "boolean" } }, strict: false });
  const rows = await (await load()).bench(args);
  process.stdout.write(values.json ? `${JSON.stringify({ rows }, undefined, 2)}\n` : formatRows(rows));
}

ownTemporaryDirectory();
await main(process.argv.slice(2));
