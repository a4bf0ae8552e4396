import { mkdtempSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type KeyFiles, type Keys, keepKeys, readKeys } from "../../../services/kit/tls/keys.js";
import { type Authority, createAuthority, type IssuedKeys } from "../../support/authority.js";

let authority: Authority;
let first: IssuedKeys;
let second: IssuedKeys;
let directory: string;
let files: Required<KeyFiles>;

beforeAll(async () => {
  authority = await createAuthority();
  [first, second] = await Promise.all([authority.issue(), authority.issue()]);
});

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  directory = mkdtempSync(join(tmpdir(), "keys-"));
  files = {
    keyFile: join(directory, "key"),
    certFile: join(directory, "cert"),
    caFile: join(directory, "ca"),
  };
  write(first);
  writeFileSync(files.caFile, authority.cert);
});

afterEach(() => {
  vi.useRealTimers();
  rmSync(directory, { recursive: true });
});

function write({ key, cert }: IssuedKeys): void {
  writeFileSync(files.keyFile, key);
  writeFileSync(files.certFile, cert);
}

function keep() {
  const failures: unknown[] = [];
  const applied: Keys[] = [];
  const keys = keepKeys(files, { everyMs: 10_000, onFailure: (cause) => void failures.push(cause) });
  keys.onRenewal((renewed) => void applied.push(renewed));
  return { keys, failures, applied };
}

describe("keys", () => {
  it("are what is in their files", () => {
    expect(readKeys(files)).toEqual({ ...first, ca: authority.cert });
    expect(readKeys({ caFile: files.caFile })).toEqual({ ca: authority.cert });
  });

  it("are refused when key and certificate do not belong together, or a file is missing", () => {
    writeFileSync(files.keyFile, second.key);
    expect(() => readKeys(files)).toThrow(/mismatch/);
    unlinkSync(files.keyFile);
    expect(() => readKeys(files)).toThrow(/ENOENT/);
  });
});

describe("kept keys", () => {
  it("change with their files, and tell of it once", () => {
    const { keys, applied, failures } = keep();
    vi.advanceTimersByTime(10_000);
    expect(applied).toEqual([]);
    write(second);
    vi.advanceTimersByTime(30_000);
    expect(applied).toEqual([{ ...second, ca: authority.cert }]);
    expect(keys.current).toEqual(applied[0]);
    expect(failures).toEqual([]);
  });

  it("stay while the files hold only half of the new ones, which is told once, and change after that", () => {
    const { keys, applied, failures } = keep();
    writeFileSync(files.keyFile, second.key);
    vi.advanceTimersByTime(30_000);
    expect(keys.current).toMatchObject(first);
    expect(failures).toHaveLength(1);
    expect(String(failures)).not.toContain("PRIVATE");
    writeFileSync(files.certFile, second.cert);
    vi.advanceTimersByTime(10_000);
    expect(applied).toMatchObject([second]);
  });

  it("change with their authorities too", async () => {
    const { applied } = keep();
    const { cert } = await createAuthority();
    writeFileSync(files.caFile, cert);
    vi.advanceTimersByTime(10_000);
    expect(applied).toEqual([{ ...first, ca: cert }]);
  });

  it("are not looked at any more once stopped", () => {
    const { keys, applied } = keep();
    keys.stop();
    write(second);
    vi.advanceTimersByTime(30_000);
    expect(applied).toEqual([]);
  });
});
