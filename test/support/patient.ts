import { stageNames } from "../../services/engine/config.js";

/**
 * Settings for machines that are busy with other things: a test says what is
 * decided, not how fast.
 */
export const patientEnvironment: Readonly<Record<string, string>> = {
  ENGINE_STAGE_BUDGETS_MS: JSON.stringify(Object.fromEntries(stageNames.map((stage) => [stage, 20_000]))),
};
