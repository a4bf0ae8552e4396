import { concerning, type Framework, scoreByHits } from "./framework.js";

/** Equal regard: judges where a rule about groups, rights or property was hit. */
export const justice = {
  name: "justice",
  weight: 0.5,
  weakness: "Finds open contempt and fraud; does not find unequal treatment that is put politely.",
  evaluate: ({ violations }) => scoreByHits(concerning("justice", violations), "unequal or unfair treatment"),
} as const satisfies Framework;
