import type { StageWork } from "../stage.js";

/** Notes how busy the engine is. Admission itself is the chain's. */
export const admit: StageWork = (run, { load }) => {
  run.cognitiveLoad = load();
  const { queueMs } = run.request;
  return {
    saw: `load ${run.cognitiveLoad.toFixed(2)}, waited ${queueMs.toFixed(0)} ms`,
    concluded: "admitted",
  };
};
