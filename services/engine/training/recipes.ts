import type { EthicsHead, SafetyHead } from "../domain/models/heads.js";
import type { SafetyRecipe } from "./safety.js";

const shared = { bits: 16, balance: 0.5, epochs: 12, seed: 20_261_121, windowWeight: 0.3 } as const;

/** How each head about harm is trained; found by transfer to sources left out. */
export const safetyRecipes: Readonly<Record<SafetyHead, SafetyRecipe>> = {
  sexual: { ...shared, cost: 0.003 },
  hate: { ...shared, cost: 0.003 },
  harassment: { ...shared, cost: 0.003 },
  self_harm: { ...shared, cost: 0.003 },
  harmful_request: { ...shared, cost: 0.004 },
  jailbreak: { ...shared, cost: 0.004 },
  instruction_in_data: { ...shared, cost: 0.003 },
};

/** How the emotion labels are trained. */
export const emotionRecipe = { cost: 0.2, balance: 0.3, epochs: 8, seed: 3, smoothing: 2 } as const;

/** Weight of the lexicon's numbers beside the words. */
export const numberSquare = 30;

/** How the heads of ethics are trained. */
export const ethicsRecipes: Readonly<Record<EthicsHead, { cost: number; epochs: number; seed: number }>> = {
  deontology: { cost: 0.006, epochs: 12, seed: 3 },
  justice: { cost: 0.006, epochs: 12, seed: 3 },
  utility: { cost: 0.006, epochs: 12, seed: 3 },
};

/** How valence and arousal are trained. `reddit` is the weight of GoEmotions beside EmoBank. */
export const scaleRecipes = {
  valence: { cost: 0.002, epochs: 8, seed: 3, reddit: 0.1, numberSquare: 100 },
  arousal: { cost: 0.001, epochs: 8, seed: 3, reddit: 0.01, numberSquare: 30 },
} as const;
