import { endOfRun, isDigit } from "../../text/characters.js";
import { type Finding, structureScore } from "./finding.js";

/** Digits behind the point from which on a place is nearer than a kilometre. */
const fewestDecimals = 3;

interface Degrees {
  readonly end: number;
  readonly value: number;
}

/** Finds places on Earth: decimal degrees as a pair, or degrees, minutes and seconds with N or S and E or W. */
export function findCoordinates(text: string): Finding<"coordinates">[] {
  const found: Finding<"coordinates">[] = [];
  for (let at = 0; at < text.length; at++) {
    if (!isDigit(text.charCodeAt(at)) || isDigit(text.charCodeAt(at - 1)) || text[at - 1] === ".") continue;
    const end = pairEnd(text, at, readDecimal) ?? pairEnd(text, at, readSexagesimal);
    if (end === undefined) continue;
    const start = text[at - 1] === "-" || text[at - 1] === "+" ? at - 1 : at;
    found.push({ type: "coordinates", span: { start, end }, score: structureScore });
    at = end;
  }
  return found;
}

type Reader = (text: string, at: number) => Degrees | undefined;

function pairEnd(text: string, at: number, read: Reader): number | undefined {
  const latitude = read(text, at);
  if (!latitude || latitude.value > 90) return undefined;
  let next = latitude.end;
  if (text[next] === ",") next++;
  while (text[next] === " ") next++;
  if (next === latitude.end) return undefined;
  if (text[next] === "-" || text[next] === "+") next++;
  const longitude = read(text, next);
  return longitude && longitude.value <= 180 ? longitude.end : undefined;
}

function readDecimal(text: string, at: number): Degrees | undefined {
  const point = endOfRun(text, at, isDigit);
  const end = endOfRun(text, point + 1, isDigit);
  const tooFew = point === at || point - at > 3 || text[point] !== "." || end - point <= fewestDecimals;
  return tooFew ? undefined : withHemisphere(text, at, end);
}

function withHemisphere(text: string, at: number, end: number): Degrees {
  let next = end;
  if (text[next] === "°") next++;
  const letter = text[next] === " " ? next + 1 : next;
  if (isHemisphere(text[letter])) next = letter + 1;
  return { end: next, value: Number.parseFloat(text.slice(at, end)) };
}

function readSexagesimal(text: string, at: number): Degrees | undefined {
  const degrees = endOfRun(text, at, isDigit);
  if (degrees === at || degrees - at > 3 || (text[degrees] !== "°" && text[degrees] !== "º"))
    return undefined;
  let end = degrees + 1;
  while (end < text.length && end - at < 24 && "0123456789.'\"′″’” ".includes(text[end] as string)) end++;
  if (!isHemisphere(text[end])) return undefined;
  return { end: end + 1, value: Number.parseInt(text.slice(at, degrees), 10) };
}

function isHemisphere(unit: string | undefined): boolean {
  return unit === "N" || unit === "S" || unit === "E" || unit === "W" || unit === "O";
}
