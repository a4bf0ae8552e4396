import { unwatchFile, watchFile } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Log } from "../kit/log.js";
import { effectivePolicy } from "./domain/policy/policy.js";
import { type PolicyDocument, readPolicy } from "./domain/policy/read-policy.js";

/** The operator's policy on disk. */
export interface PolicyFile {
  /** As it was when it could last be read; undefined where none is configured. */
  current(): PolicyDocument | undefined;
  /** Throws when the file, as it is now, is not in force; undefined where none is configured. */
  readonly check: (() => void) | undefined;
  /** Reads the file again; resolves to whether what it holds is in force now. */
  reload(): Promise<boolean>;
  stop(): void;
}

/** How the file is found. */
export interface PolicyFileOptions {
  /** Empty for none. */
  readonly path: string;
  readonly log: Pick<Log, "info" | "error">;
}

const none: PolicyFile = {
  current: () => undefined,
  check: undefined,
  reload: async () => false,
  stop: () => undefined,
};

/** How often the file is looked at: a change of a mounted ConfigMap brings no event of its own. */
const lookMs = 1_000;

/**
 * Reads the operator's policy, and reads it again whenever the file changes.
 * Rejects when the first reading fails. A later document that is no policy is
 * logged with its line, and the one before stays in force; a self-check says so.
 */
export async function openPolicyFile({ path, log }: PolicyFileOptions): Promise<PolicyFile> {
  if (path === "") return none;
  let current = await read(path);
  let fault: unknown;
  const reload = async () => {
    try {
      current = await read(path);
      fault = undefined;
      log.info("the policy on disk is in force");
      return true;
    } catch (cause) {
      fault = cause;
      log.error("the policy on disk is not in force, the one before stays", { cause });
      return false;
    }
  };
  const look = () => void reload();
  watchFile(path, { interval: lookMs, persistent: false }, look);
  const check = () => {
    if (fault !== undefined) throw fault;
  };
  return { current: () => current, check, reload, stop: () => unwatchFile(path, look) };
}

async function read(path: string): Promise<PolicyDocument> {
  const document = readPolicy(await readFile(path, "utf8"));
  effectivePolicy([{ level: "operator", version: 0, document }]);
  return document;
}
