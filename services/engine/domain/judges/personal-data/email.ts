import { endOfRun, isAlphanumeric, isAsciiLetter } from "../../text/characters.js";
import { type Finding, structureScore } from "./finding.js";

const longestLocal = 64;
const longestDomain = 253;

/** Finds e-mail addresses: an atom, `@` and a domain name with at least two labels (RFC 5321, without quoted forms). */
export function findEmails(text: string): Finding<"email">[] {
  const found: Finding<"email">[] = [];
  for (let at = text.indexOf("@"); at >= 0; at = text.indexOf("@", at + 1)) {
    const start = localStart(text, at);
    const end = domainEnd(text, at + 1);
    if (start < at && end > at + 1)
      found.push({ type: "email", span: { start, end }, score: structureScore });
  }
  return found;
}

function localStart(text: string, at: number): number {
  let start = at;
  while (start > 0 && at - start < longestLocal && isAtom(text.charCodeAt(start - 1))) start--;
  while (start < at && text[start] === ".") start++;
  return text[at - 1] === "." ? at : start;
}

function isAtom(unit: number): boolean {
  return isAlphanumeric(unit) || ".!#$%&'*+-/=?^_`{|}~".includes(String.fromCharCode(unit));
}

/** End of the longest domain name from `start`; `start` itself when there is none. */
function domainEnd(text: string, start: number): number {
  const limit = endOfRun(text.slice(start, start + longestDomain), 0, isDomain) + start;
  const labels = text.slice(start, limit).split(".");
  while (labels.length > 0 && !isTopLevel(labels.at(-1) as string)) labels.pop();
  const whole = labels.length >= 2 && labels.every((label) => label !== "" && !label.startsWith("-"));
  const end = start + labels.join(".").length;
  return whole && !isAlphanumeric(text.charCodeAt(end)) ? end : start;
}

function isDomain(unit: number): boolean {
  return isAlphanumeric(unit) || unit === 45 || unit === 46;
}

function isTopLevel(label: string): boolean {
  return label.length >= 2 && [...label].every((unit) => isAsciiLetter(unit.charCodeAt(0)));
}
