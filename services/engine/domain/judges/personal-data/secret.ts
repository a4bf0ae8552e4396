import { tokenAt } from "../../pseudonyms/token.js";
import { endOfRun, isAlphanumeric, isAsciiLetter, isDigit, isSpace } from "../../text/characters.js";
import { type Finding, structureScore } from "./finding.js";

interface KeyFormat {
  readonly prefix: string;
  /** Fewest characters after the prefix. */
  readonly rest: number;
}

/** Prefixes that issuers publish so that leaked keys can be found. */
const formats: readonly KeyFormat[] = [
  { prefix: "AKIA", rest: 16 },
  { prefix: "ASIA", rest: 16 },
  { prefix: "AIza", rest: 35 },
  { prefix: "ghp_", rest: 36 },
  { prefix: "gho_", rest: 36 },
  { prefix: "ghs_", rest: 36 },
  { prefix: "ghu_", rest: 36 },
  { prefix: "github_pat_", rest: 40 },
  { prefix: "glpat-", rest: 20 },
  { prefix: "xoxb-", rest: 20 },
  { prefix: "xoxp-", rest: 20 },
  { prefix: "sk-", rest: 20 },
  { prefix: "sk_live_", rest: 16 },
  { prefix: "rk_live_", rest: 16 },
  { prefix: "sk_test_", rest: 16 },
  { prefix: "npm_", rest: 36 },
  { prefix: "hf_", rest: 30 },
  { prefix: "SG.", rest: 40 },
  { prefix: "eyJ", rest: 40 },
  { prefix: "pypi-", rest: 40 },
  { prefix: "xapp-", rest: 20 },
  { prefix: "ya29.", rest: 20 },
  { prefix: "glsa_", rest: 20 },
  { prefix: "dop_v1_", rest: 40 },
  { prefix: "shpat_", rest: 20 },
  { prefix: "whsec_", rest: 20 },
  { prefix: "sq0csp-", rest: 20 },
];

const begin = "-----BEGIN ";
const finish = "-----END ";

/** Finds API keys and tokens by their published prefixes, JSON web tokens, and PEM private keys. */
export function findSecrets(text: string): Finding<"secret">[] {
  const pem = findPrivateKeys(text);
  const keys: Finding<"secret">[] = [];
  for (let at = 0; at < text.length; ) {
    const end = endOfRun(text, at, isKeyUnit);
    if (end > at && isKey(text.slice(at, end))) keys.push(secret(at, trimmedEnd(text, at, end)));
    at = Math.max(end, at + 1);
  }
  const named = findNamedSecrets(text);
  return [
    ...pem,
    ...[...keys, ...named].filter(
      (key) => !pem.some(({ span }) => key.span.start < span.end && span.start < key.span.end),
    ),
  ];
}

const names = [
  "password",
  "passwd",
  "pwd",
  "passphrase",
  "api key",
  "api_key",
  "apikey",
  "secret key",
  "secret_key",
  "client_secret",
  "access_token",
  "access token",
  "auth_token",
  "bearer",
];
const fewestOfSecret = 6;

/** Finds what a text calls a password or key: `name: value`, `name = value` or `name is value`, with letters and digits or signs both. */
function findNamedSecrets(text: string): Finding<"secret">[] {
  const lower = text.toLowerCase();
  return names.flatMap((name) => {
    const found: Finding<"secret">[] = [];
    for (let at = lower.indexOf(name); at >= 0; at = lower.indexOf(name, at + 1)) {
      const start = valueStart(lower, at + name.length, name === "bearer");
      const end = start === undefined ? 0 : valueEnd(text, start);
      if (start === undefined || tokenAt(text, start)) continue;
      if (isSecretValue(text.slice(start, end))) found.push(secret(start, end));
    }
    return found;
  });
}

/** Where the value begins behind `:`, `=` or `is`; for a bearer token a blank will do. */
function valueStart(lower: string, from: number, blankWillDo: boolean): number | undefined {
  let at = from;
  while (at < lower.length && (lower[at] === '"' || lower[at] === "'" || lower[at] === " ")) at++;
  const sign = lower[at] === ":" || lower[at] === "=" ? 1 : lower.startsWith("is ", at) ? 3 : 0;
  if (sign === 0 && !(blankWillDo && at > from)) return undefined;
  at += sign;
  while (at < lower.length && (lower[at] === '"' || lower[at] === "'" || lower[at] === " ")) at++;
  return at;
}

function valueEnd(text: string, start: number): number {
  let end = start;
  while (end < text.length && text.charCodeAt(end) > 32 && !"\"',;`<>)".includes(text[end] as string)) end++;
  while (end > start && ".!?".includes(text[end - 1] as string)) end--;
  return end;
}

function isSecretValue(value: string): boolean {
  const has = (belongs: (unit: number) => boolean) => [...value].some((unit) => belongs(unit.charCodeAt(0)));
  return value.length >= fewestOfSecret && value.length <= 256 && has(isAsciiLetter) && has(isDigit);
}

function findPrivateKeys(text: string): Finding<"secret">[] {
  const found: Finding<"secret">[] = [];
  for (let start = text.indexOf(begin); start >= 0; start = text.indexOf(begin, start + 1)) {
    const label = text.slice(start + begin.length, start + begin.length + 40);
    if (!label.includes("PRIVATE KEY-----")) continue;
    const footer = text.indexOf(finish, start);
    const dashes = footer < 0 ? -1 : text.indexOf("-----", footer + finish.length);
    const end = dashes < 0 ? blockEnd(text, start) : dashes + 5;
    found.push(secret(start, end));
    start = end - 1;
  }
  return found;
}

/** Where an unfinished block ends: at a blank line, else with the text. */
function blockEnd(text: string, start: number): number {
  const blank = text.indexOf("\n\n", start);
  return blank < 0 ? text.length : blank;
}

function isKey(run: string): boolean {
  return formats.some(
    ({ prefix, rest }) => run.startsWith(prefix) && run.length >= prefix.length + rest && isMixed(run),
  );
}

/** Letters and digits both, or upper and lower case: `sk-` begins words, too. */
function isMixed(run: string): boolean {
  const units = [...run.slice(3)];
  const has = (from: string, to: string) => units.some((unit) => unit >= from && unit <= to);
  return has("0", "9") && (has("a", "z") || has("A", "Z"));
}

function trimmedEnd(text: string, start: number, end: number): number {
  let last = end;
  while (last > start && (text[last - 1] === "." || isSpace(text.charCodeAt(last - 1)))) last--;
  return last;
}

function isKeyUnit(unit: number): boolean {
  return isAlphanumeric(unit) || unit === 45 || unit === 46 || unit === 95;
}

function secret(start: number, end: number): Finding<"secret"> {
  return { type: "secret", span: { start, end }, score: structureScore };
}
