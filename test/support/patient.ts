import { stageNames } from "../../services/engine/config.js";

/**
 * Settings for machines that are busy with other things: a test says what is
 * decided, not how fast, and may ask more often than a person.
 */
export const patientEnvironment: Readonly<Record<string, string>> = {
  RATE_PER_SECOND: "100000",
  RATE_BURST: "100000",
  RATE_PER_MINUTE: "1000000",
  TIER_BASIC_REQUESTS_PER_HOUR: "0",
  TIER_ADVANCED_REQUESTS_PER_HOUR: "0",
  TIER_ENTERPRISE_CONCURRENT: "0",
  TIER_RESEARCH_CONCURRENT: "0",
  ENGINE_STAGE_BUDGETS_MS: JSON.stringify(Object.fromEntries(stageNames.map((stage) => [stage, 20_000]))),
};
