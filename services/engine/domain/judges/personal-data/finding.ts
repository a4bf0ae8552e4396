import type { TextSpan } from "../../text/normalise.js";

/** Kinds that are masked, in the order in which a place is claimed. */
export const maskedTypes = [
  "secret",
  "email",
  "iban",
  "card",
  "ssn",
  "national_id",
  "coordinates",
  "date_of_birth",
  "ip",
  "phone",
] as const;

/**
 * Kinds that are told and not masked: links and places that a text is about as
 * often as they are somebody's, and what is found by best effort only.
 */
export const toldTypes = ["url", "postal_code", "name", "address"] as const;

/** Every kind of personal data. */
export const personalDataTypes = [...maskedTypes, ...toldTypes] as const;

/** A kind of personal data that is masked. */
export type MaskedType = (typeof maskedTypes)[number];

/** A kind of personal data. */
export type PersonalDataType = (typeof personalDataTypes)[number];

/** Personal data in a text. */
export interface Finding<T extends PersonalDataType = PersonalDataType> {
  readonly type: T;
  readonly span: TextSpan;
  /** 0..1: 1 when a checksum holds, `structureScore` when only the published structure does, else the model's probability. */
  readonly score: number;
}

/** What a finding stands on: `best effort` is a trained tagger that misses and mistakes. */
export function basisOf({ type, score }: Finding): "checksum" | "pattern" | "best effort" {
  if (type === "name" || type === "address") return "best effort";
  return score === 1 ? "checksum" : "pattern";
}

/** By convention: more than a guess, less than a checksum. */
export const structureScore = 0.8;
