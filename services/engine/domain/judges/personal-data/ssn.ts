import { isAlphanumeric, isDigit } from "../../text/characters.js";
import { type Finding, structureScore } from "./finding.js";

/**
 * Finds US social security numbers written `AAA-GG-SSSS`, with hyphens or
 * blanks. Area 000, 666 and 900 to 999, group 00 and serial 0000 were never
 * given (Social Security Administration, numbering scheme).
 */
export function findSsns(text: string): Finding<"ssn">[] {
  const found: Finding<"ssn">[] = [];
  for (let at = 0; at + 11 <= text.length; at++) {
    if (!isSsn(text, at)) continue;
    found.push({ type: "ssn", span: { start: at, end: at + 11 }, score: structureScore });
    at += 10;
  }
  return found;
}

function isSsn(text: string, at: number): boolean {
  const separator = text[at + 3];
  if ((separator !== "-" && separator !== " ") || text[at + 6] !== separator) return false;
  const area = text.slice(at, at + 3);
  const group = text.slice(at + 4, at + 6);
  const serial = text.slice(at + 7, at + 11);
  const digits = [...(area + group + serial)].every((unit) => isDigit(unit.charCodeAt(0)));
  const given = area !== "000" && area !== "666" && area < "900" && group !== "00" && serial !== "0000";
  return digits && given && isBounded(text, at - 1) && isBounded(text, at + 11);
}

function isBounded(text: string, at: number): boolean {
  return !isAlphanumeric(text.charCodeAt(at)) && text[at] !== "-";
}
