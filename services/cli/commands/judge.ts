import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { type JudgeInput, judgeText } from "../../engine/judge-text.js";

const longestText = 16_000;
const roles = ["user", "assistant", "tool"];

interface Line extends JudgeInput {
  readonly id?: unknown;
}

type ParsedLine =
  | { readonly ok: true; readonly line: Line }
  | { readonly ok: false; readonly problem: string };

/**
 * Judges one JSON object per line, offline, and writes one judgement per line
 * in the same order. A line that cannot be judged is told on `errors` by its
 * number, and the rest goes on. Resolves to the number of such lines.
 */
export async function judgeLines(input: Readable, output: Writable, errors: Writable): Promise<number> {
  let number = 0;
  let refused = 0;
  for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    number += 1;
    if (text.trim() === "") continue;
    const parsed = parseLine(text);
    if (!parsed.ok) {
      refused += 1;
      errors.write(`line ${number}: ${parsed.problem}\n`);
      continue;
    }
    const { id, ...judged } = parsed.line;
    const judgement = await judgeText(judged);
    if (!output.write(`${JSON.stringify({ id, ...judgement })}\n`)) await once(output, "drain");
  }
  return refused;
}

function parseLine(text: string): ParsedLine {
  const value = parseJson(text);
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return problem("is no JSON object");
  const line = value as Record<string, unknown>;
  if (typeof line.text !== "string" || line.text === "") return problem('needs a "text"');
  if (line.text.length > longestText) return problem(`has a "text" of more than ${longestText} characters`);
  if (line.role !== undefined && !roles.includes(line.role as string)) {
    return problem(`has a "role" other than ${roles.join(", ")}`);
  }
  if (line.passages !== undefined && !isTexts(line.passages))
    return problem('has "passages" that are no texts');
  if (line.question !== undefined && typeof line.question !== "string") {
    return problem('has a "question" that is no text');
  }
  return { ok: true, line: line as unknown as Line };
}

function problem(text: string): ParsedLine {
  return { ok: false, problem: text };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}
