import { type Masked, replaceFindings } from "../judges/personal-data/personal-data.js";
import type { MaskedPart } from "../run.js";
import { escapeTokens, type PseudonymType, tokensIn } from "./token.js";

/** A value of personal data, as written. */
export interface PersonalValue {
  readonly type: PseudonymType;
  readonly value: string;
}

/** Tokens for the values of one request, in its conversation. */
export interface Pseudonyms {
  /** Types that get tokens. */
  readonly types: ReadonlySet<string>;
  /** Tokens that stand in the texts of the request, escaped ones included; grows as they are placed. */
  readonly placed: Set<string>;
  /**
   * The tokens of values, in order; undefined where there is none, so that the
   * value is masked. Rejects when they cannot be known.
   */
  tokensOf(values: readonly PersonalValue[]): Promise<readonly (string | undefined)[]>;
}

/** Puts tokens into a text that was masked. */
export type Pseudonymise = (text: string, masked: Masked, part: MaskedPart) => Masked | Promise<Masked>;

/**
 * Makes what puts tokens into the texts of one request. Values of the request
 * get tokens. Evidence gets those of values that the request has, too, and no
 * others, as whoever asks might not have been told; an answer gets none, since
 * what a provider brings up is not the principal's.
 */
export function createPseudonymise(pseudonyms: Pseudonyms): Pseudonymise {
  const known = new Map<string, string | undefined>();

  const learn = async (values: readonly PersonalValue[]): Promise<void> => {
    const fresh = [...new Map(values.map((one) => [keyOf(one), one]))].filter(([key]) => !known.has(key));
    if (fresh.length === 0) return;
    const tokens = await pseudonyms.tokensOf(fresh.map(([, one]) => one));
    fresh.forEach(([key], at) => {
      known.set(key, tokens[at]);
    });
  };

  const place = (text: string, { findings }: Masked, ofRequest: boolean): Masked => {
    const placed = replaceFindings(text, findings, {
      mark: (finding) => known.get(keyOf({ type: finding.type, value: valueAt(text, finding) })),
      between: ofRequest ? escapeTokens : (gap) => gap,
    });
    if (ofRequest) for (const { text: token } of tokensIn(placed.text)) pseudonyms.placed.add(token);
    return placed;
  };

  return (text, masked, part) => {
    if (part === "answer") return masked;
    if (part === "evidence") return place(text, masked, false);
    const values = masked.findings
      .filter(({ type }) => pseudonyms.types.has(type))
      .map((finding) => ({ type: finding.type as PseudonymType, value: valueAt(text, finding) }));
    if (values.length === 0) return place(text, masked, true);
    return learn(values).then(() => place(text, masked, true));
  };
}

function valueAt(text: string, { span }: Masked["findings"][number]): string {
  return text.slice(span.start, span.end);
}

function keyOf({ type, value }: { readonly type: string; readonly value: string }): string {
  return `${type} ${value}`;
}
