/** Names are lower-case tokens (RFC 9113, section 8.2.1; RFC 9110, section 5.1). */
const token = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const pseudo = /^:[a-z]+$/;
/** What nearly all values are, and need not be looked into any further. */
const plainValue = /^[!-~](?:[ -~]*[!-~])?$/;
const forbiddenInValue = /[\0\r\n]/;
const beyondOctets = /[^\0-\xff]/;

/** Fields that are about one connection of HTTP/1.1 (RFC 9113, section 8.2.2). */
const ofConnection: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

/** Why a field cannot be part of a message; undefined when it can. The value is left out, which may be secret. */
export function fieldProblem(name: string, value: string): string | undefined {
  return nameProblem(name) ?? valueProblem(name, value);
}

/** The same of the name alone. Which pseudo-headers there are is for the reader to say. */
export function nameProblem(name: string): string | undefined {
  if (ofConnection.has(name)) return `"${name}" is not for HTTP/2`;
  return token.test(name) || pseudo.test(name) ? undefined : `"${shown(name)}" is no name of a field`;
}

/** The same of the value alone. */
export function valueProblem(name: string, value: string): string | undefined {
  if (name === "te" && value !== "trailers") return '"te" can only be "trailers"';
  if (plainValue.test(value)) return undefined;
  if (forbiddenInValue.test(value)) return `the value of "${shown(name)}" has a character that none may have`;
  if (beyondOctets.test(value)) return `the value of "${shown(name)}" is more than octets can say`;
  // gRPC writes spaces as they are (PROTOCOL-HTTP2.md, "Percent-Encoded"), at the end of a text too.
  const spaced = name !== "grpc-message" && hasSpaceAround(value);
  return spaced ? `the value of "${shown(name)}" has space around it` : undefined;
}

function hasSpaceAround(value: string): boolean {
  return isSpace(value.charCodeAt(0)) || isSpace(value.charCodeAt(value.length - 1));
}

function isSpace(character: number): boolean {
  return character === 0x20 || character === 0x09;
}

function shown(name: string): string {
  return JSON.stringify(name.slice(0, 64)).slice(1, -1);
}
