import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { packageRoot } from "../../services/kit/package-root.js";

const root = packageRoot();

/** Brings `.build/` up to date before the first test, for those that run real processes. */
export default async function compile(): Promise<void> {
  await promisify(execFile)(process.execPath, ["node_modules/typescript/bin/tsc", "--noCheck"], {
    cwd: root,
  });
}

/** Path of the compiled form of a source file, given from the package root. */
export function compiledPath(source: string): string {
  return join(root, ".build", source.replace(/\.ts$/, ".js"));
}
