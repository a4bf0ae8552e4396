import type { TextSpan } from "../../text/normalise.js";

/** Kinds of structured personal data, in the order in which a place is claimed. */
export const personalDataTypes = ["secret", "email", "iban", "card", "ssn", "ip", "phone"] as const;

/** A kind of structured personal data. */
export type PersonalDataType = (typeof personalDataTypes)[number];

/** Personal data in a text. */
export interface Finding {
  readonly type: PersonalDataType;
  readonly span: TextSpan;
  /** 0..1: 1 when a checksum holds, `structureScore` when only the published structure does. */
  readonly score: number;
}

/** By convention: more than a guess, less than a checksum. */
export const structureScore = 0.8;
