import { readFileSync } from "node:fs";
import { type ConfigSource, optionalText } from "./config.js";

/**
 * A secret from the setting `name`, or from the file that `<name>_FILE` names,
 * as orchestrators mount them; line ends after it are not part of it. Undefined
 * when neither is given. Problems stay in the source and never show the secret.
 */
export function readSecret(source: ConfigSource, name: string): string | undefined {
  const fileName = `${name}_FILE`;
  const values = source.read({ [name]: optionalText({ secret: true }), [fileName]: optionalText() });
  const given = values[name];
  const file = values[fileName];
  if (file === undefined) return given;
  if (given !== undefined) {
    source.refuse({ name: fileName, value: file, expected: `nothing, since ${name} is given too` });
    return given;
  }
  const secret = contentOf(file);
  if (!secret) source.refuse({ name: fileName, value: file, expected: "a readable file that is not empty" });
  return secret;
}

function contentOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8").trimEnd() || undefined;
  } catch {
    return undefined;
  }
}
