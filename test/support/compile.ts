import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Brings `.build/` up to date before the first test, for those that run real processes. */
export default async function compile(): Promise<void> {
  await promisify(execFile)(process.execPath, ["node_modules/typescript/bin/tsc", "--noCheck"], {
    cwd: root,
  });
}

/** Path of the compiled form of a source file, given from the package root. */
export function compiledPath(source: string): string {
  return fileURLToPath(new URL(`../../.build/${source.replace(/\.ts$/, ".js")}`, import.meta.url));
}
