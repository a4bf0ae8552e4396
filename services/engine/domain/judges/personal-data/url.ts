import { isAlphanumeric } from "../../text/characters.js";
import { type Finding, structureScore } from "./finding.js";

const starts = ["http://", "https://", "www.", "ftp://"];
const closing = ".,;:!?)]}>\"'";
const longest = 2048;

/** Finds web addresses: a scheme or `www.`, and a host with a point. */
export function findUrls(text: string): Finding<"url">[] {
  const found: Finding<"url">[] = [];
  const lower = text.toLowerCase();
  for (let at = 0; at < text.length; at++) {
    // Most places begin none, which one look tells.
    if (!"hwf".includes(lower[at] as string)) continue;
    const start = starts.find((one) => lower.startsWith(one, at));
    if (start === undefined || isAlphanumeric(text.charCodeAt(at - 1))) continue;
    const end = urlEnd(text, at + start.length);
    if (!text.slice(at + start.length, end).includes(".")) continue;
    found.push({ type: "url", span: { start: at, end }, score: structureScore });
    at = end;
  }
  return found;
}

function urlEnd(text: string, from: number): number {
  let end = from;
  while (end < text.length && end - from < longest && !isBreak(text[end] as string)) end++;
  while (end > from && closing.includes(text[end - 1] as string)) end--;
  return end;
}

function isBreak(unit: string): boolean {
  return unit <= " " || unit === "<" || unit === ">" || unit === '"' || unit === "|" || unit === "]";
}
