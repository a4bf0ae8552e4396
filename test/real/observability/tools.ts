import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";

/** What a tool said, and whether it was content. */
export interface Verdict {
  readonly ok: boolean;
  readonly output: string;
}

/** Runs a tool on files of a fresh directory, by name, which becomes its working directory. */
export function runOn(
  files: Readonly<Record<string, object | string>>,
  command: string,
  args: readonly string[],
): Verdict {
  const directory = mkdtempSync(join(tmpdir(), "observability-"));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), textOf(content));
  try {
    const options = { cwd: directory, encoding: "utf8", stdio: "pipe", timeout: 60_000 } as const;
    return { ok: true, output: execFileSync(command, [...args], options) };
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    return { ok: false, output: `${stdout}${stderr}` };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** YAML as Prometheus reads it. */
export function textOf(content: object | string): string {
  if (typeof content === "string") return content;
  return stringify(content, { lineWidth: 0, aliasDuplicateObjects: false });
}
