import type { ImageContract } from "../../services/generate/contract.js";
import { metricCatalogue as metrics } from "../../services/kit/metric-catalogue.js";
import type { Duration } from "./durations.js";

/** What users may expect, and how it is measured. */
export interface Slo {
  /** `availability`. */
  readonly name: string;
  /** What is promised, in a sentence. */
  readonly promise: string;
  /** Share of good events, 0 to 1. */
  readonly objective: number;
  /** Events a second that were counted, good or bad, in a window; a sum by namespace and job. */
  total(window: Duration): string;
  /** Events a second that were bad. */
  bad(window: Duration): string;
}

/** Over which time the objectives hold. */
export const sloWindow = "30d";

/** What every sum keeps: two environments in one Prometheus stay apart, and workloads do. */
export const by = "by (namespace, job)";

/** Codes that say that we failed, and not whoever called. */
export const faultCodes = ["unknown", "deadline_exceeded", "internal", "unavailable", "data_loss"] as const;

/** Verdicts of requests that could not be judged. */
export const unjudged = "check_unavailable";

/** Upper bounds of what counts as fast, in seconds; bounds of the histograms' buckets. */
export const fastCall = 0.25;
export const fastAnswer = 0.05;

/** Longest deadline, in milliseconds, of a method that answers a person who waits. */
const interactiveMs = 5_000;

/** The objectives. What none of them promises, no page is sent for. */
export function slosOf(contract: ImageContract): Slo[] {
  const operators = `service!~"${operatorServices(contract).join("|")}"`;
  const served = `${metrics.serverRequests.name}{${operators}}`;
  const faults = `${metrics.serverRequests.name}{${operators},code=~"${faultCodes.join("|")}"}`;
  const slow = slowMethods(contract);
  const calls = slow.length === 0 ? operators : `${operators},method!~"${slow.join("|")}"`;
  const decisions = metrics.requests.name;
  return [
    {
      name: "availability",
      promise: `Of 1000 calls, 999 do not end with a fault of ours: ${faultCodes.join(", ")}.`,
      objective: 0.999,
      total: (window) => `sum ${by} (rate(${served}[${window}]))`,
      bad: (window) => `sum ${by} (rate(${faults}[${window}]))`,
    },
    {
      name: "latency",
      promise: `Of 100 calls that a person waits for, 99 take less than ${fastCall * 1000} ms; streams, decisions and exports are left out.`,
      objective: 0.99,
      ...slowerThan(metrics.serverDuration.name, calls, fastCall),
    },
    {
      name: "answers",
      promise: `Of 100 answers of the embedded composer, 95 are decided within ${fastAnswer * 1000} ms.`,
      objective: 0.95,
      ...slowerThan(metrics.responseLatency.name, 'composer="extractive"', fastAnswer),
    },
    {
      name: "judging",
      promise: "Of 1000 requests, 999 are judged; those that are not are withheld.",
      objective: 0.999,
      total: (window) => `sum ${by} (rate(${decisions}[${window}]))`,
      bad: (window) => `sum ${by} (rate(${decisions}{verdict="${unjudged}"}[${window}]))`,
    },
  ];
}

function slowerThan(histogram: string, matchers: string, seconds: number): Pick<Slo, "total" | "bad"> {
  const count = (window: Duration) => `sum ${by} (rate(${histogram}_count{${matchers}}[${window}]))`;
  const fast = (window: Duration) =>
    `sum ${by} (rate(${histogram}_bucket{${matchers},le="${seconds}"}[${window}]))`;
  return { total: count, bad: (window) => `(${count(window)} - ${fast(window)})` };
}

/** Services of every process: probes and scrapes are nobody's requests. */
function operatorServices({ methods }: ImageContract): string[] {
  const everywhere = methods.filter(({ workload }) => workload === undefined);
  return [...new Set([...everywhere.map(({ service }) => service), ...grpcServices])];
}

const grpcServices = ["grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"];

/** Methods whose time depends on how much is asked for, or on a provider. */
function slowMethods({ methods }: ImageContract): string[] {
  const slow = methods.filter(
    ({ streams, deadlineMs, audit }) =>
      streams || audit === "decision" || deadlineMs === undefined || deadlineMs > interactiveMs,
  );
  return [...new Set(slow.map(({ name }) => name))].sort();
}
