import type { StageWork } from "../stage.js";

/** Notes how busy the engine is. Admission itself is the chain's. */
export const admit: StageWork = (run, { load }) => {
  run.load = load();
  const { cognitiveLoad, queueMs } = run.load;
  return { saw: `load ${cognitiveLoad.toFixed(2)}, waited ${queueMs.toFixed(0)} ms`, concluded: "admitted" };
};
