import { type MaskedType, maskedTypes } from "../judges/personal-data/finding.js";
import type { TextSpan } from "../text/normalise.js";

/** A kind of personal data that a token can stand for: secrets are never to come back. */
export type PseudonymType = Exclude<MaskedType, "secret">;

/** Every kind that a token can stand for. */
export const pseudonymTypes: readonly PseudonymType[] = maskedTypes.filter((type) => type !== "secret");

/** Beginnings of tokens, by type. */
const beginnings = pseudonymTypes.map((type) => [type, `${type.toUpperCase()}_`] as const);

/** A token in a text. */
export interface PlacedToken extends TextSpan {
  readonly type: PseudonymType;
  readonly number: number;
  /** As it stands in the text. */
  readonly text: string;
  /** Whether it stands for what looked like a token when it was received. */
  readonly escaped: boolean;
}

/** The token of a value: the value's type and number within its conversation, such as `[EMAIL_1]`. */
export function tokenOf(type: PseudonymType, number: number): string {
  return `[${type.toUpperCase()}_${number}]`;
}

/** The token that begins at `at`; undefined when none does. */
export function tokenAt(text: string, at: number): PlacedToken | undefined {
  if (text[at] !== "[") return undefined;
  const known = beginnings.find(([, beginning]) => text.startsWith(beginning, at + 1));
  if (!known) return undefined;
  const digits = at + 1 + known[1].length;
  const underscores = endOf(text, digits, (unit) => unit >= "0" && unit <= "9");
  const last = endOf(text, underscores, (unit) => unit === "_");
  if (underscores === digits || text[last] !== "]") return undefined;
  const end = last + 1;
  return {
    type: known[0],
    number: Number(text.slice(digits, underscores)),
    start: at,
    end,
    text: text.slice(at, end),
    escaped: last > underscores,
  };
}

/** The tokens of a text, in order. Reads it once. */
export function tokensIn(text: string): PlacedToken[] {
  const found: PlacedToken[] = [];
  for (let at = text.indexOf("["); at >= 0; ) {
    const token = tokenAt(text, at);
    if (token) found.push(token);
    at = text.indexOf("[", token?.end ?? at + 1);
  }
  return found;
}

/**
 * Gives what looks like a token, and is none as it was received so, one more
 * underscore before its bracket: `[EMAIL_1_]`. No value ever has such a token.
 */
export function escapeTokens(text: string): string {
  return withTokensReplaced(text, ({ text: token }) => `${token.slice(0, -1)}_]`);
}

/** What an escaped token was received as. */
export function unescaped(token: string): string {
  return `${token.slice(0, -2)}]`;
}

/** The text with each token replaced; tokens without a replacement stay. */
function withTokensReplaced(text: string, replacement: (token: PlacedToken) => string | undefined): string {
  let replaced = "";
  let from = 0;
  for (const token of tokensIn(text)) {
    replaced += text.slice(from, token.start) + (replacement(token) ?? token.text);
    from = token.end;
  }
  return replaced + text.slice(from);
}

function endOf(text: string, from: number, belongs: (unit: string) => boolean): number {
  let at = from;
  while (at < text.length && belongs(text[at] as string)) at++;
  return at;
}
