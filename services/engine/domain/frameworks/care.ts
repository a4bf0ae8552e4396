import { concerning, type Framework, scoreByHits } from "./framework.js";

/** Care for those who can be hurt: judges where a rule about people in danger was hit. */
export const care = {
  name: "care",
  weight: 0.5,
  weakness: "Notices danger that is named; does not notice distress between the lines.",
  evaluate: ({ violations }) => scoreByHits(concerning("care", violations), "people who may be hurt"),
} as const satisfies Framework;
