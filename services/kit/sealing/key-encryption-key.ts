import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { ConfigError, type ConfigSource, oneOf, optionalText } from "../config.js";
import { privateFile } from "./private-file.js";

const keyBytes = 32;

/** Where a service finds the key that seals what it keeps. */
export interface KeyEncryptionKeyPlace {
  /** Name of the setting, for messages. */
  readonly setting: string;
  /** The configured key; absent when the file is to hold one. */
  readonly configured: Uint8Array | undefined;
  readonly directory: string;
  /** Name of the file in the directory. */
  readonly file: string;
}

/**
 * The configured key, or the one in the data directory, which is made at the
 * first start. Throws `ConfigError` when that file holds none.
 */
export async function keyEncryptionKey({
  setting,
  configured,
  directory,
  file,
}: KeyEncryptionKeyPlace): Promise<Uint8Array> {
  if (configured) return configured;
  const path = join(directory, file);
  const text = await privateFile(path, () => `${randomBytes(keyBytes).toString("base64")}\n`);
  const key = Buffer.from(text, "base64");
  if (key.length === keyBytes) return key;
  throw wrongKey(setting, `${keyBytes} bytes in base64 in ${path}, or the setting itself`);
}

/**
 * Reads a key of 32 bytes in base64; undefined without one, which replicas must
 * not be, as they would seal under different keys. Problems stay in the source.
 */
export function readKeyEncryptionKey(source: ConfigSource, setting: string): Uint8Array | undefined {
  const values = source.read({
    [setting]: optionalText({ secret: true }),
    DEPLOYMENT: oneOf(["single", "replicated"], { fallback: "single" }),
  }) as Readonly<Record<string, string | undefined>>;
  const given = values[setting];
  if (given === undefined) {
    const expected = `${keyBytes} bytes in base64, the same for each replica`;
    if (values.DEPLOYMENT === "replicated") source.refuse({ name: setting, value: "", expected });
    return undefined;
  }
  const key = Buffer.from(given, "base64");
  if (key.length === keyBytes) return key;
  source.refuse({ name: setting, value: "(hidden)", expected: `${keyBytes} bytes in base64` });
  return undefined;
}

/** Says that a key is not the expected one, without showing it. */
export function wrongKey(setting: string, expected: string): ConfigError {
  return new ConfigError([{ name: setting, value: "(hidden)", expected }]);
}
