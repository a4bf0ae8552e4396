import { concerning, type Framework, scoreByHits } from "./framework.js";

/** Honesty: judges where a rule about deceit or breach of trust was hit. */
export const virtue = {
  name: "virtue",
  weight: 0.5,
  weakness: "Judges deceit only; the other virtues are beyond rules.",
  evaluate: ({ violations }) => scoreByHits(concerning("virtue", violations), "deceit or breach of trust"),
} as const satisfies Framework;
