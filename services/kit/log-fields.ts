import { maskSecrets } from "./mask-secrets.js";

/** Longer strings are cut. */
export const stringBound = 500;

/**
 * Every key that a log line's metadata may have, with the type of its value.
 * The list is closed: what is not on it is dropped when a line is written, so
 * that a payload cannot slip into the log by a spread.
 */
export const logFieldTypes = {
  method: "string",
  code: "string",
  reason: "string",
  duration_ms: "number",
  deadline_ms: "number",
  principal: "string",
  tenant: "string",
  caller: "string",
  request_id: "string",
  decision_id: "string",
  agent_id: "string",
  aggregate_type: "string",
  aggregate_id: "string",
  event_type: "string",
  workload: "string",
  host: "string",
  port: "number",
  status: "number",
  state: "string",
  path: "string",
  route: "string",
  http_method: "string",
  protocol: "string",
  remote_address: "string",
  request_bytes: "number",
  response_bytes: "number",
  verdict: "string",
  stage: "string",
  rule_ids: "string",
  attempt: "number",
  dependency: "string",
  peer: "string",
  step: "string",
  version: "string",
  digest: "string",
  count: "number",
  limit: "number",
  directory: "string",
  signal: "string",
  schema: "string",
  migration: "string",
  setting: "string",
} as const satisfies Record<string, "string" | "number" | "boolean">;

type Value = { string: string; number: number; boolean: boolean };

/** The metadata that a caller may give a log line. */
export type LogFields = {
  readonly [K in keyof typeof logFieldTypes]?: Value[(typeof logFieldTypes)[K]] | undefined;
};

/**
 * What of `fields` may be written: known keys with values of their type.
 * Strings are cut at 500 characters and secrets in them masked.
 */
export function permittedFields(fields: LogFields): Record<string, unknown> {
  const permitted: Record<string, unknown> = {};
  for (const key of Object.keys(fields)) {
    if (!Object.hasOwn(logFieldTypes, key)) continue;
    const name = key as keyof typeof logFieldTypes;
    const value: unknown = fields[name];
    if (typeof value !== logFieldTypes[name]) continue;
    permitted[key] = typeof value === "string" ? maskSecrets(value.slice(0, stringBound)) : value;
  }
  return permitted;
}
