import { create, type DescMessage, type Message } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { AgentSchema, AgentStatus } from "#gen/ts/consciousness/agents/v1/agent_pb.js";
import {
  ProcessRequestSchema,
  ProcessResponseSchema,
} from "#gen/ts/consciousness/engine/v1/engine_service_pb.js";
import { Verdict } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { ConfidenceBasis } from "#gen/ts/consciousness/engine/v1/state_pb.js";

/** A message to measure, and what coding it in place of JSON and back may take, in nanoseconds. */
export interface Sample {
  readonly name: string;
  readonly desc: DescMessage;
  readonly message: Message;
  readonly goals?: { readonly toBinary?: number; readonly toJson?: number };
}

const id = "0193a5c1-7a11-7c3e-9d55-3f4f0c7a5b21";
const answer =
  "The pilot may start on Monday: consent is collected, and the records are anonymised by then. ".repeat(3);

const request = create(ProcessRequestSchema, {
  input:
    "Please review this plan for our pilot: we collect consent first, anonymise every record, share a summary with the board, and delete the raw data no later than thirty days after the study has ended.",
  options: { qualityThreshold: 0.75, ethicalStrictness: 0.5 },
  context: { tenant: "acme", locale: "en-GB", traceId: "4bf92f3577b34da6" },
});

const short = {
  requestId: id,
  content: answer,
  verdict: Verdict.ALLOWED,
  consciousnessState: {
    awarenessLevel: 0.71,
    cognitiveLoad: 0.14,
    ethicalAlignment: 0.93,
    emotionalState: { valence: 0.25, arousal: -0.5 },
  },
  qualityComponents: { support: 0.91, ethics: 0.87, completeness: 1 },
  processingTimeMs: 1.25,
};

const full = create(ProcessResponseSchema, {
  ...short,
  decisionId: id,
  confidenceBasis: ConfidenceBasis.UNCALIBRATED,
  consciousnessQuality: 0.8125,
  ethicalEvaluation: {
    overallScore: 0.94,
    frameworkScores: ["duty", "consequences", "virtue"].map((framework) => ({
      framework,
      score: 0.9,
      weight: 1,
      evidence: "“consent is collected” – stated as done",
    })),
    reasoningChain: ["screen", "compose", "judge"].map((stage) => ({
      stage,
      saw: "the request, with personal data masked",
      concluded: "nothing against it",
    })),
    policyDigest: "9f86d081884c7d659a2feaa0c55ad015",
  },
  processingMetrics: {
    queueMs: 0.125,
    totalMs: 1.25,
    stages: ["admit", "mask", "screen", "retrieve", "compose", "reflect"].map((stage) => ({
      stage,
      durationMs: 0.203125,
      budgetMs: 20,
    })),
  },
  evidence: [1, 2].map((number) => ({
    number,
    title: "Data protection plan",
    source: "knowledge",
    passage: answer,
    score: 0.5,
    contentSpans: [{ start: 4, end: 92 }],
  })),
});

const agent = create(AgentSchema, {
  id,
  name: "Reviewer",
  description: "Reviews plans of clinical pilots.",
  agentType: "assistant",
  configuration: {
    instructions: "Answer from the knowledge alone.\nSay so when it has no answer.",
    goals: ["protect patients", "be brief"],
  },
  knowledge: [{ title: "Data protection plan", text: answer }],
  status: AgentStatus.ACTIVE,
  owner: "user-17",
  etag: "W/7",
  createTime: timestampFromMs(1763700000000),
  updateTime: timestampFromMs(1763700123456),
});

/** Messages of this platform; the goals are for those about as large as in the baselines. */
export const samples: readonly Sample[] = [
  { name: "ProcessRequest", desc: ProcessRequestSchema, message: request, goals: { toBinary: 1300 } },
  {
    name: "ProcessResponse",
    desc: ProcessResponseSchema,
    message: create(ProcessResponseSchema, short),
    goals: { toJson: 1500 },
  },
  { name: "ProcessResponse, full", desc: ProcessResponseSchema, message: full },
  { name: "Agent", desc: AgentSchema, message: agent },
];
