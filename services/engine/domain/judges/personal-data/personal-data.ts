import { hash } from "node:crypto";
import { LRUCache } from "lru-cache";
import { shippedTagger } from "../../models/shipped.js";
import type { Tagger } from "../../models/tagger.js";
import { canonicalView, type TextSpan } from "../../text/normalise.js";
import { findCards } from "./card.js";
import { findCoordinates } from "./coordinates.js";
import { findDatesOfBirth } from "./date-of-birth.js";
import { findEmails } from "./email.js";
import { type Finding, type MaskedType, maskedTypes } from "./finding.js";
import { findIbans } from "./iban.js";
import { findIps } from "./ip.js";
import { findNationalIds } from "./national-id.js";
import { findPhones } from "./phone.js";
import { findPostalCodes } from "./postal-code.js";
import { findSecrets } from "./secret.js";
import { findSsns } from "./ssn.js";
import { findUrls } from "./url.js";

/** A text with its personal data replaced, and what was found. */
export interface Masked {
  /** Each finding replaced by its type in brackets, such as `[card]`, or by a token of its conversation. */
  readonly text: string;
  /** What was masked, in order of place; spans are in the text as given. */
  readonly findings: readonly Finding<MaskedType>[];
  /** Where the replacement of each finding stands in `text`. */
  readonly places: readonly TextSpan[];
}

type Finders = { readonly [T in MaskedType]: (text: string) => Finding<T>[] };

const finders: Finders = {
  secret: findSecrets,
  email: findEmails,
  iban: findIbans,
  card: findCards,
  ssn: findSsns,
  national_id: findNationalIds,
  coordinates: findCoordinates,
  date_of_birth: findDatesOfBirth,
  ip: findIps,
  phone: findPhones,
};

/** What is claimed may bound what touches it, so that the search is repeated; chains longer than this are no text. */
const mostRounds = 4;

const masks = new RegExp(`\\[(?:${maskedTypes.join("|")})\\]`, "g");

// Passages and drafts are searched again and again, and mostly in vain. Kept are digests, never a text.
const inVain = new LRUCache<string, true>({ max: 4_000 });

/** Finds the personal data that is masked, by pattern and checksum. What one type claims no other takes. */
export function findPersonalData(text: string): Finding<MaskedType>[] {
  const digest = hash("sha256", text, "base64url");
  if (inVain.get(digest)) return [];
  const found = searchPersonalData(text);
  if (found.length === 0) inVain.set(digest, true);
  return found;
}

function searchPersonalData(text: string): Finding<MaskedType>[] {
  const view = canonicalView(text);
  const found: Finding<MaskedType>[] = [];
  // A mask that says `phone` is not what the text says of the number beside it.
  let rest = view.text.replace(masks, (mask) => "]".repeat(mask.length));
  for (let round = 0; round < mostRounds; round++) {
    const before = found.length;
    for (const type of maskedTypes) {
      const claimed = withoutOverlap(finders[type](rest));
      found.push(...claimed.map((finding) => ({ ...finding, span: view.original(finding.span) })));
      rest = withBrackets(rest, claimed);
    }
    if (found.length === before) break;
  }
  return found.sort((a, b) => a.span.start - b.span.start);
}

/**
 * Finds what is told and not masked: web addresses and postal codes by
 * pattern; names and addresses of people by a trained tagger, best effort.
 */
export function findTold(text: string, tag: Tagger = shippedTagger()): Finding[] {
  const codes = findPostalCodes(text);
  const tagged = tag(text).map(({ tag: type, start, end, probability }): Finding => {
    return { type, span: { start, end }, score: probability };
  });
  return [...findUrls(text), ...codes, ...tagged].sort((a, b) => a.span.start - b.span.start);
}

/** Replaces personal data. What is masked stays as it is when masked again. */
export function maskPersonalData(text: string): Masked {
  return replaceFindings(text, findPersonalData(text));
}

/** What stands in a text for what was found in it. */
export interface Replacement {
  /** Stands for a finding; undefined for its type in brackets. */
  readonly mark?: (finding: Finding<MaskedType>) => string | undefined;
  /** What becomes of a text between findings. */
  readonly between?: (text: string) => string;
}

/** Replaces findings, which are in order of place. */
export function replaceFindings(
  text: string,
  findings: readonly Finding<MaskedType>[],
  { mark = () => undefined, between = (gap) => gap }: Replacement = {},
): Masked {
  const parts: string[] = [];
  const places: TextSpan[] = [];
  let from = 0;
  let length = 0;
  for (const finding of findings) {
    const before = between(text.slice(from, finding.span.start));
    const stands = mark(finding) ?? `[${finding.type}]`;
    parts.push(before, stands);
    places.push({ start: length + before.length, end: length + before.length + stands.length });
    length += before.length + stands.length;
    from = finding.span.end;
  }
  return { text: parts.join("") + between(text.slice(from)), findings, places };
}

/** Whether a text holds the replacement of personal data. */
export function holdsMask(text: string): boolean {
  return maskedTypes.some((type) => text.includes(`[${type}]`));
}

/** Claimed places as brackets, which bound words and numbers as the replacement will. */
function withBrackets(text: string, claimed: readonly Finding<MaskedType>[]): string {
  const parts: string[] = [];
  let from = 0;
  for (const { span } of claimed) {
    parts.push(text.slice(from, span.start), "]".repeat(span.end - span.start));
    from = span.end;
  }
  return parts.join("") + text.slice(from);
}

function withoutOverlap(findings: readonly Finding<MaskedType>[]): Finding<MaskedType>[] {
  let end = -1;
  return [...findings]
    .sort((a, b) => a.span.start - b.span.start)
    .filter(({ span }) => {
      if (span.start < end) return false;
      end = span.end;
      return true;
    });
}
