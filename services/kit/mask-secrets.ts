const mask = "[redacted]";
const shortestToken = 8;
const shortestJwt = 20;
/** What credentials of ours begin with: keys, secrets, refresh tokens, and what we send by mail. */
const marks = ["cek_", "ces_", "crt_", "cin_", "cpr_", "cec_"];
const shortestMarked = 24;
const schemes = new Set(["bearer", "basic", "digest", "negotiate", "apikey"]);
const secretNames = [
  "password",
  "passwordhash",
  "passwd",
  "passphrase",
  "pwd",
  "secret",
  "secretkey",
  "token",
  "apikey",
  "privatekey",
  "credential",
];
const wholeLineNames = ["authorization", "cookie"];

/** Identifiers and names of methods have none of these, and they are most of what is logged. */
const mayHoldSecret = /[\s:=]|eyJ|c(?:ek|es|rt|in|pr|ec)_/;

/**
 * Masks what looks like a secret: bearer tokens, JSON web tokens, credentials of
 * ours, PEM blocks, passwords in URLs, and the value of `password=…`-like pairs in plain text,
 * query strings, headers and JSON. Reads the text once, left to right, so that
 * its time is linear in the length. It errs on the side of masking.
 */
export function maskSecrets(text: string): string {
  if (!mayHoldSecret.test(text)) return text;
  const out: string[] = [];
  let from = 0;
  for (let at = 0; at < text.length; ) {
    const secret = secretAt(text, at);
    if (secret.mask) {
      out.push(text.slice(from, secret.start), mask);
      from = secret.end;
    }
    at = secret.end;
  }
  return from === 0 ? text : out.join("") + text.slice(from);
}

/** Where a secret is, or the stretch that has been read and holds none. */
interface Stretch {
  readonly mask: boolean;
  readonly start: number;
  /** Always behind the position that was asked for. */
  readonly end: number;
}

function secretAt(text: string, at: number): Stretch {
  if (text.startsWith("-----BEGIN ", at)) return { mask: true, start: at, end: endOfPem(text, at) };
  if (text.startsWith("://", at)) return urlPassword(text, at + 3);
  if (!isWord(text.charCodeAt(at))) return { mask: false, start: at, end: at + 1 };
  const end = endOfRun(text, at, isWord);
  return afterWord(text, at, end);
}

function afterWord(text: string, start: number, end: number): Stretch {
  const word = text.slice(start, end);
  const jwt = word.indexOf("eyJ");
  if (jwt >= 0 && word.length - jwt >= shortestJwt) return { mask: true, start: start + jwt, end };
  if (word.length >= shortestMarked && marks.some((known) => word.startsWith(known))) {
    return { mask: true, start, end };
  }
  const name = word.toLowerCase();
  if (schemes.has(name)) return schemeToken(text, end);
  const plain = name.replaceAll("_", "").replaceAll("-", "").replaceAll(".", "");
  if (wholeLineNames.some((secret) => plain.endsWith(secret))) return pairValue(text, end, endOfLine);
  if (secretNames.some((secret) => plain.endsWith(secret))) return pairValue(text, end, endOfValue);
  return { mask: false, start, end };
}

function schemeToken(text: string, end: number): Stretch {
  const start = endOfRun(text, end, isBlank);
  const stop = endOfRun(text, start, isTokenCharacter);
  return { mask: start > end && stop - start >= shortestToken, start, end: Math.max(stop, end) };
}

function pairValue(text: string, end: number, endOf: (text: string, start: number) => number): Stretch {
  const separator = endOfRun(text, end, isBlankOrQuote);
  const sign = text[separator];
  if (sign !== "=" && sign !== ":") return { mask: false, start: end, end };
  const start = endOfRun(text, separator + 1, isBlank);
  const quote = endOfRun(text, start, isBackslash);
  const quoted = isQuote(text.charCodeAt(quote));
  const content = quoted ? quote + 1 : start;
  const stop = quoted ? endOfQuoted(text, content, quote - start) : endOf(text, start);
  return { mask: stop > content, start: content, end: Math.max(stop, content) };
}

function urlPassword(text: string, start: number): Stretch {
  const end = endOfRun(text, start, isAuthority);
  const authority = text.slice(start, end);
  const at = authority.lastIndexOf("@");
  const colon = authority.indexOf(":");
  const found = at > 0 && colon >= 0 && colon < at;
  return found
    ? { mask: true, start: start + colon + 1, end: start + at }
    : { mask: false, start, end: start };
}

function endOfPem(text: string, at: number): number {
  const footer = text.indexOf("-----END ", at);
  if (footer < 0) return text.length;
  const dashes = text.indexOf("-----", footer + 9);
  return dashes < 0 ? text.length : dashes + 5;
}

function endOfValue(text: string, start: number): number {
  const end = endOfRun(
    text,
    start,
    (code) => !isSpace(code) && !",;&)}]\"'".includes(String.fromCharCode(code)),
  );
  if (!schemes.has(text.slice(start, end).toLowerCase())) return end;
  return endOfRun(text, endOfRun(text, end, isBlank), isTokenCharacter);
}

function endOfLine(text: string, start: number): number {
  return endOfRun(text, start, (code) => code !== 10 && code !== 13);
}

/** The quote that closes: like the opening one, with at most as many backslashes before it. */
function endOfQuoted(text: string, start: number, backslashes: number): number {
  const quote = text[start - 1];
  let run = 0;
  for (let at = start; at < text.length; at++) {
    if (text[at] === quote && run <= backslashes) return at - run;
    run = text[at] === "\\" ? run + 1 : 0;
  }
  return text.length;
}

function endOfRun(text: string, start: number, belongs: (code: number) => boolean): number {
  let at = start;
  while (at < text.length && belongs(text.charCodeAt(at))) at++;
  return at;
}

function isWord(code: number): boolean {
  const letter = code | 32;
  return (
    (letter >= 97 && letter <= 122) || (code >= 48 && code <= 57) || code === 45 || code === 46 || code === 95
  );
}

function isTokenCharacter(code: number): boolean {
  return isWord(code) || code === 43 || code === 47 || code === 61 || code === 126;
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}

function isSpace(code: number): boolean {
  return isBlank(code) || code === 10 || code === 13;
}

function isQuote(code: number): boolean {
  return code === 34 || code === 39;
}

function isBackslash(code: number): boolean {
  return code === 92;
}

/** What may stand between a name and its `:` or `=`, in JSON within JSON too. */
function isBlankOrQuote(code: number): boolean {
  return isBlank(code) || isQuote(code) || isBackslash(code);
}

/** What may stand between `://` and the end of host and port. */
function isAuthority(code: number): boolean {
  return !isSpace(code) && code !== 47 && code !== 63 && code !== 35 && code !== 34 && code !== 39;
}
