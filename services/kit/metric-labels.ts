import type { metricCatalogue } from "./metric-catalogue.js";
import type { LabelSpec } from "./metric-spec.js";

type Catalogue = typeof metricCatalogue;
type LabelName = Catalogue[keyof Catalogue]["labels"][number];

/** Every label of ours, once: a label means the same wherever it stands. */
export const metricLabels = {
  band: { meaning: "Upper end of the band that a probability lies in.", most: 8 },
  cache: { meaning: "The cache, by the name that its code gives it.", most: 16 },
  code: { meaning: "gRPC status code in small letters; `ok` for success.", most: 18 },
  composer: { meaning: "What composed the answer: `extractive`, a configured provider, `none`.", most: 16 },
  consumer: { meaning: "Durable name of a consumer of events.", most: 16 },
  degrades: {
    meaning: "`true` where the workload serves without it, if not all of it; else `false`.",
    most: 2,
  },
  dependency: { meaning: "What a workload depends on, such as `database`.", most: 32 },
  direction: { meaning: "`input` for what was read, `output` for what was written.", most: 2 },
  head: { meaning: "A trained head about harm.", most: 16 },
  level: { meaning: "Level of a log line: debug, info, warn or error.", most: 4 },
  method: { meaning: "Name of a method of the contract.", most: 256 },
  outcome: { meaning: "How it ended; the metric says which there are.", most: 16 },
  peer: { meaning: "The workload that was called.", most: 16 },
  provider: { meaning: "Id of a configured provider.", most: 16 },
  reason: { meaning: "A reason of the error catalogue, or `PROTOCOL`.", most: 256 },
  service: { meaning: "Name of a service of the contract.", most: 64 },
  source: { meaning: "Who had an opinion: `provider`, `cache` or `none`.", most: 3 },
  stage: { meaning: "A stage of the engine's pipeline.", most: 16 },
  status: { meaning: "HTTP status.", most: 64 },
  use: {
    meaning: "`port` for what callers are shown, `peers` for what is shown to other workloads.",
    most: 2,
  },
  verdict: { meaning: "Verdict of the engine in small letters.", most: 8 },
  version: { meaning: "Version of the build.", most: 2 },
  workload: { meaning: "A workload of this process.", most: 16 },
} as const satisfies Record<LabelName, LabelSpec>;
