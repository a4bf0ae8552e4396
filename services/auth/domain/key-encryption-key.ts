import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { ConfigError } from "../../kit/config.js";
import { privateFile } from "./private-file.js";

const keyBytes = 32;

/**
 * The key that seals the signing keys: the configured one, or the one in the
 * data directory, which is made at the first start. Throws `ConfigError` when
 * that file holds none.
 */
export async function keyEncryptionKey(
  configured: Uint8Array | undefined,
  directory: string,
): Promise<Uint8Array> {
  if (configured) return configured;
  const path = join(directory, "key-encryption-key");
  const text = await privateFile(path, () => `${randomBytes(keyBytes).toString("base64")}\n`);
  const key = Buffer.from(text, "base64");
  if (key.length === keyBytes) return key;
  const expected = `${keyBytes} bytes in base64 in ${path}, or the setting itself`;
  throw new ConfigError([{ name: "AUTH_KEY_ENCRYPTION_KEY", value: "(hidden)", expected }]);
}
