import type { SafetyHead } from "../domain/models/heads.js";

/** A text to learn from. */
export interface Example {
  readonly text: string;
  /** Examples of one group (a conversation, scenario, template, article) stay in one split. */
  readonly group: string;
  /** What is known: 1 or -1 by safety head, or the heads of affect and ethics. */
  readonly labels: Readonly<Partial<Record<SafetyHead, 1 | -1>>>;
  /** Cost of an error beside 1. */
  readonly weight?: number;
  /** Kind of the source's rows, such as a functionality or an identity; for figures by part. */
  readonly part?: string;
}

/** Where examples come from. */
export interface Source {
  readonly name: string;
  readonly origin: string;
  readonly licence: string;
  /** Sources of one family are left out together when transfer is measured. */
  readonly family: string;
  read(folder: string): Example[];
}
