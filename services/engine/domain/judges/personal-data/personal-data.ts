import { canonicalView, type TextSpan } from "../../text/normalise.js";
import { findCards } from "./card.js";
import { findEmails } from "./email.js";
import { type Finding, type PersonalDataType, personalDataTypes } from "./finding.js";
import { findIbans } from "./iban.js";
import { findIps } from "./ip.js";
import { findPhones } from "./phone.js";
import { findSecrets } from "./secret.js";
import { findSsns } from "./ssn.js";

/** A text with its personal data replaced, and what was found. */
export interface Masked {
  /** Each finding replaced by its type in brackets, such as `[card]`. */
  readonly text: string;
  /** In order of place; spans are in the text as given. */
  readonly findings: readonly Finding[];
  /** Where the replacement of each finding stands in `text`. */
  readonly places: readonly TextSpan[];
}

const finders: Readonly<Record<PersonalDataType, (text: string) => Finding[]>> = {
  secret: findSecrets,
  email: findEmails,
  iban: findIbans,
  card: findCards,
  ssn: findSsns,
  ip: findIps,
  phone: findPhones,
};

/** What is claimed may bound what touches it, so that the search is repeated; chains longer than this are no text. */
const mostRounds = 4;

/** Finds structured personal data by pattern and checksum. What one type claims no other takes. */
export function findPersonalData(text: string): Finding[] {
  const view = canonicalView(text);
  const found: Finding[] = [];
  let rest = view.text;
  for (let round = 0; round < mostRounds; round++) {
    const before = found.length;
    for (const type of personalDataTypes) {
      const claimed = withoutOverlap(finders[type](rest));
      found.push(...claimed.map((finding) => ({ ...finding, span: view.original(finding.span) })));
      rest = withBrackets(rest, claimed);
    }
    if (found.length === before) break;
  }
  return found.sort((a, b) => a.span.start - b.span.start);
}

/** Replaces personal data. What is masked stays as it is when masked again. */
export function maskPersonalData(text: string): Masked {
  const findings = findPersonalData(text);
  const parts: string[] = [];
  const places: TextSpan[] = [];
  let from = 0;
  let length = 0;
  for (const { type, span } of findings) {
    const before = text.slice(from, span.start);
    const mask = `[${type}]`;
    parts.push(before, mask);
    places.push({ start: length + before.length, end: length + before.length + mask.length });
    length += before.length + mask.length;
    from = span.end;
  }
  return { text: parts.join("") + text.slice(from), findings, places };
}

/** Whether a text holds the replacement of personal data. */
export function holdsMask(text: string): boolean {
  return personalDataTypes.some((type) => text.includes(`[${type}]`));
}

/** Claimed places as brackets, which bound words and numbers as the replacement will. */
function withBrackets(text: string, claimed: readonly Finding[]): string {
  const parts: string[] = [];
  let from = 0;
  for (const { span } of claimed) {
    parts.push(text.slice(from, span.start), "]".repeat(span.end - span.start));
    from = span.end;
  }
  return parts.join("") + text.slice(from);
}

function withoutOverlap(findings: readonly Finding[]): Finding[] {
  let end = -1;
  return [...findings]
    .sort((a, b) => a.span.start - b.span.start)
    .filter(({ span }) => {
      if (span.start < end) return false;
      end = span.end;
      return true;
    });
}
