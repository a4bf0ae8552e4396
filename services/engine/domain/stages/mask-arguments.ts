import { isRecord } from "../../json-record.js";
import type { Masked } from "../judges/personal-data/personal-data.js";
import type { MaskPersonalData } from "../run.js";

/** Deeper JSON is masked as a text. */
const deepest = 32;

/**
 * Masks personal data in the JSON of a tool call's arguments so that it stays
 * JSON: in each text and number by itself. What is no JSON, or holds data across
 * its values, is masked as a text.
 */
export async function maskArguments(json: string, mask: MaskPersonalData): Promise<Masked> {
  const whole = await mask(json);
  if (whole.findings.length === 0) return whole;
  const parsed = parse(json);
  const masked = parsed && (await maskValue(parsed.value, mask, 0));
  if (masked === undefined) return whole;
  const text = JSON.stringify(masked.value);
  return (await mask(text)).findings.length === 0 ? { ...whole, text } : whole;
}

/** A value of JSON with personal data masked in its texts and numbers; undefined when it is too deep. */
export async function maskValue(
  value: unknown,
  mask: MaskPersonalData,
  depth: number,
): Promise<{ readonly value: unknown } | undefined> {
  if (depth > deepest) return undefined;
  if (typeof value === "string") return { value: (await mask(value)).text };
  if (typeof value === "number") {
    const { text, findings } = await mask(String(value));
    return { value: findings.length === 0 ? value : text };
  }
  if (Array.isArray(value)) {
    const items = [];
    for (const item of value) {
      const masked = await maskValue(item, mask, depth + 1);
      if (!masked) return undefined;
      items.push(masked.value);
    }
    return { value: items };
  }
  if (!isRecord(value)) return { value };
  const entries: [string, unknown][] = [];
  for (const [key, item] of Object.entries(value)) {
    const masked = await maskValue(item, mask, depth + 1);
    if (!masked) return undefined;
    entries.push([(await mask(key)).text, masked.value]);
  }
  return { value: Object.fromEntries(entries) };
}

function parse(json: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(json) };
  } catch {
    return undefined;
  }
}
