/** Stages of a request, as the engine names them in its events. */
export const stageNames = [
  "admit",
  "mask",
  "screen_input",
  "retrieve",
  "screen_evidence",
  "compose",
  "screen_output",
  "reflect",
  "screen_revision",
  "settle",
] as const;

/** Ethical frameworks, as the engine names them in its events. */
export const frameworkNames = ["deontological", "utilitarian", "justice", "care", "virtue"] as const;
