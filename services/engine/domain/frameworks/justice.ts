import { concerning, type Framework, scoreByHead, scoreByHits } from "./framework.js";

/** Equal regard: judges where a rule about groups, rights or property was hit. */
export const justice = {
  name: "justice",
  weight: 0.5,
  weakness: "Finds open contempt and fraud; does not find unequal treatment that is put politely.",
  evaluate({ violations, model }) {
    const hits = concerning("justice", violations);
    const told = hits.length === 0 ? scoreByHead("justice", model) : undefined;
    return told ?? scoreByHits(hits, "unequal or unfair treatment");
  },
} as const satisfies Framework;
