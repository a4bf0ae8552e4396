/** Heads about harm: each a probability that the text is of the kind. */
export const safetyHeads = [
  "sexual",
  "hate",
  "harassment",
  "self_harm",
  "harmful_request",
  "jailbreak",
  "instruction_in_data",
] as const;

/** A head about harm. */
export type SafetyHead = (typeof safetyHeads)[number];

/** Heads that take the highest of the document and its windows; the others read the document only. */
export const windowedHeads: ReadonlySet<SafetyHead> = new Set([
  "sexual",
  "harmful_request",
  "jailbreak",
  "instruction_in_data",
]);

/** The head that never reads a whole document of several windows: what it looks for is one sentence among others. */
export const windowsOnly: SafetyHead = "instruction_in_data";

/** The labels of GoEmotions (Demszky et al. 2020), in its order. */
export const emotionLabels = [
  "admiration",
  "amusement",
  "anger",
  "annoyance",
  "approval",
  "caring",
  "confusion",
  "curiosity",
  "desire",
  "disappointment",
  "disapproval",
  "disgust",
  "embarrassment",
  "excitement",
  "fear",
  "gratitude",
  "grief",
  "joy",
  "love",
  "nervousness",
  "optimism",
  "pride",
  "realization",
  "relief",
  "remorse",
  "sadness",
  "surprise",
  "neutral",
] as const;

/** A label of the emotion classifier. */
export type EmotionLabel = (typeof emotionLabels)[number];

/** Heads of feeling beside the labels: -1..1 each. */
export const affectScales = ["valence", "arousal"] as const;

/** Heads of ethics: probability that what the text says is acceptable. */
export const ethicsHeads = ["deontology", "justice", "utility"] as const;

/** A head of ethics. */
export type EthicsHead = (typeof ethicsHeads)[number];

/** Heads that read words, characters and the lexicon's numbers of the whole text. */
export const affectHeads = [...emotionLabels, ...affectScales, ...ethicsHeads] as const;

/** A head of feeling or ethics. */
export type AffectHead = (typeof affectHeads)[number];

/** Heads of ethics that also read pairs of words of two clauses. */
export const clauseHeads = ["deontology", "justice"] as const satisfies readonly EthicsHead[];

/** A head that reads pairs of words of two clauses. */
export type ClauseHead = (typeof clauseHeads)[number];
