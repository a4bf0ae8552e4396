import { stageNames } from "../../services/engine/config.js";

/**
 * Settings for machines that are busy with other things: a test says what is
 * decided, not how fast, and may ask more often than a person.
 */
export const patientEnvironment: Readonly<Record<string, string>> = {
  RATE_PER_MINUTE: "1000000",
  QUOTA_UNITS_PER_HOUR: "0",
  ENGINE_STAGE_BUDGETS_MS: JSON.stringify(Object.fromEntries(stageNames.map((stage) => [stage, 20_000]))),
};
