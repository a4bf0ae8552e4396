import {
  type PersonalDataFinding,
  type ReflectionPass,
  ReflectionStop,
  type StageTiming,
} from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import type { ReasoningStep, RuleFailure, Violation } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import type { Clock } from "../../kit/clock.js";
import type { StageBudgets } from "../config.js";
import type { ToolCall } from "./compose/completion.js";
import type { Composer, ComposeUsage, ConversationText, EvidencePassage } from "./compose/composer.js";
import type { Framework } from "./frameworks/framework.js";
import type { Judge } from "./judges/judge.js";
import type { LlmJudge, NotedOpinion, SecondOpinions } from "./judges/llm/llm-judge.js";
import type { Finding } from "./judges/personal-data/finding.js";
import type { Masked } from "./judges/personal-data/personal-data.js";
import type { KnownAnswers } from "./known-answers.js";
import type { Calibration } from "./models/calibration.js";
import type { SupportModel } from "./models/support-model.js";
import type { TextReading } from "./models/text-model.js";
import type { RecentAnswers } from "./novelty.js";
import type { EffectivePolicy } from "./policy/policy.js";
import type { MeasureUsage, ProcessUsage } from "./process-usage.js";
import type { Pseudonyms } from "./pseudonyms/pseudonymise.js";
import type { Idf, PassageIndex } from "./retrieval/bm25.js";

/** Masks a text, here or elsewhere. Rejects when it cannot, which is never taken for "holds nothing". */
export type MaskPersonalData = (text: string, part?: MaskedPart) => Masked | Promise<Masked>;

/** Where a text belongs that is masked. */
export type MaskedPart = "request" | "evidence" | "answer";

/** A text that was masked. */
export interface MaskedOf {
  readonly part: MaskedPart;
  readonly masked: Masked;
}

/** Finds what is told and not masked, here or elsewhere. */
export type FindTold = (text: string) => Finding[] | Promise<Finding[]>;

/** Reads a text by the models, here or elsewhere. */
export type ReadText = (text: string) => TextReading | Promise<TextReading>;

/** What the pipeline stands on. All of it can be replaced in tests. */
export interface PipelineDeps {
  readonly clock: Clock;
  readonly judges: readonly Judge[];
  /** Asked after the judges; without it nobody is. */
  readonly llmJudge?: LlmJudge;
  /** Reads the feeling of the request and what the frameworks ask of heads; without it neither is stated. */
  readonly readText?: ReadText;
  readonly frameworks: readonly Framework[];
  /** Answers when the responder's own composer fails. */
  readonly fallback: Composer;
  readonly maskPersonalData: MaskPersonalData;
  /** How likely passages support an answer; without it no confidence is stated. */
  readonly support?: SupportModel;
  /** Finds what is told and not masked: links, names and addresses. Without it none is told. */
  readonly findTold?: FindTold;
  /** Cognitive load, 0..1. */
  readonly load: () => number;
  readonly budgets: StageBudgets;
  /** Ordinary English beside which words are rare or common. */
  readonly background: PassageIndex;
  readonly mostEvidence: number;
  /** Of the engine. */
  readonly version: string;
  /** Of the models that judge; empty without any. */
  readonly modelsVersion: string;
  /** Measures what the process uses; without it nothing of that is stated. */
  readonly measureUsage?: MeasureUsage;
}

/** Who answers: an agent, or the engine about itself. */
export interface Responder {
  /** Empty for the engine itself. */
  readonly agentId: string;
  readonly goals: readonly string[];
  /** For providers; empty for none. */
  readonly instructions: string;
  readonly composer: Composer;
  /** Whether its answers have to stand on evidence. */
  readonly grounded: boolean;
  /** What it knows. */
  readonly knowledge: PassageIndex;
  /** How answers may be given again; absent where they may not. */
  readonly reuse?: AnswerReuse | undefined;
  /** What labels of its answers made of its confidence; absent until there are enough. */
  readonly calibration?: Calibration | undefined;
}

/** How a responder lets answers be given again. */
export interface AnswerReuse {
  /** Changes with every change of the agent. */
  readonly agentVersion: string;
  readonly maxAgeMs: number;
}

/** How strictly a request is judged, defaults filled in. */
export interface Strictness {
  readonly qualityThreshold: number;
  readonly ethicalStrictness: number;
  readonly maxReflectionDepth: number;
}

/** A request to decide. */
export interface PipelineRequest {
  readonly decisionId: string;
  readonly requestId: string;
  readonly tenant: string;
  readonly subject: string;
  /** How long it waited for admission, in milliseconds. */
  readonly queueMs: number;
  readonly input: string;
  readonly context: Readonly<Record<string, string>>;
  readonly options: Strictness;
  readonly responder: Responder;
  /** By which its texts are judged. */
  readonly policy: EffectivePolicy;
  /** Puts tokens in the places of personal data; absent: all of it is masked. */
  readonly pseudonyms?: Pseudonyms;
  /** The other texts of a conversation, in order, judged with the input; absent for none. */
  readonly conversation?: readonly ConversationText[];
  /** Answers that may be given again; absent: each is composed anew. */
  readonly knownAnswers?: KnownAnswers | undefined;
  /** With which the answer is compared; absent: with none. */
  readonly recentAnswers?: RecentAnswers;
  /** Told of each stage when it has ended. */
  readonly onStage?: (timing: StageTiming) => void;
  /**
   * Releases the answer in windows, each judged before; resolves when the next
   * may come. Absent: nothing leaves before the verdict.
   */
  readonly release?: (window: string) => Promise<void>;
  /** Decide with what there is when the caller leaves, instead of rejecting. */
  readonly settlesWhenLeft?: boolean;
}

/** What is known of a request so far; each stage adds to it. */
export interface Run {
  readonly request: PipelineRequest;
  readonly startedAt: number;
  /** What the process has used since the start; undefined where nothing measures it. */
  readonly usageSinceStart: (() => ProcessUsage) | undefined;
  readonly steps: ReasoningStep[];
  readonly timings: StageTiming[];
  readonly violations: Violation[];
  /** What rules in SHADOW would have raised. */
  readonly shadow: Violation[];
  /** Rules that could not be checked. */
  readonly failures: RuleFailure[];
  /** Asks a language model about texts; undefined where none is asked. */
  readonly secondOpinions: SecondOpinions | undefined;
  /** What it said, each text once. */
  readonly opinions: NotedOpinion[];
  /** Names of judges that hung, for whom no further text waits. */
  readonly hung: Set<string>;
  /** What was masked. */
  readonly personalData: PersonalDataFinding[];
  /** Personal data of the input that is told and was not masked. */
  readonly told: PersonalDataFinding[];
  /** Checks that failed or took too long. */
  readonly unavailable: string[];
  /** Texts that were masked, by part and the text as received; see `maskedKey`. */
  readonly masked: Map<string, MaskedOf>;
  /** Weights of the terms that were asked for. */
  readonly termWeights: Map<string, number>;
  /** Passages that were retrieved and not used, masked; numbered among all that were retrieved. */
  readonly leftOut: EvidencePassage[];
  cognitiveLoad: number;
  /** The input, masked. */
  question: string;
  /** The context, masked. */
  context: Record<string, string>;
  /** Why no judge covers the input. */
  uncovered: string | undefined;
  /** The conversation, masked. */
  conversation: ConversationText[];
  /** Why nothing more of the answer may leave: nobody waits, or what has left cannot be changed. */
  ended: string | undefined;
  /** What has left in windows. */
  released: string;
  idf: Idf;
  awareness: number | undefined;
  evidence: EvidencePassage[];
  /** The answer as it stands; undefined while there is none. */
  draft: string | undefined;
  /** The answer as it was composed. */
  composed: string | undefined;
  /** Functions that the answer wants called, masked once they have been judged. */
  toolCalls: readonly ToolCall[];
  /** Whether judging had to change them. */
  toolCallsMasked: boolean;
  finishReason: string;
  usage: ComposeUsage;
  composer: string;
  /** The earlier decision for which the answer was composed; empty for none. */
  cachedFrom: string;
  passes: readonly ReflectionPass[];
  depth: number;
  /** Why reflection went no further. */
  reflectionStop: ReflectionStop;
}

/** What a stage did. */
export interface StageReport {
  /** What it looked at, in figures. */
  readonly saw: string;
  /** What it concluded, and why. */
  readonly concluded: string;
}

/** Nothing known yet. */
export function startRun(request: PipelineRequest, deps: PipelineDeps): Run {
  return {
    request,
    startedAt: deps.clock.monotonic(),
    usageSinceStart: deps.measureUsage?.(),
    steps: [],
    timings: [],
    violations: [],
    shadow: [],
    failures: [],
    secondOpinions: deps.llmJudge?.begin(request.tenant),
    opinions: [],
    hung: new Set(),
    masked: new Map(),
    termWeights: new Map(),
    leftOut: [],
    personalData: [],
    told: [],
    unavailable: [],
    cognitiveLoad: 0,
    question: "",
    context: {},
    uncovered: undefined,
    conversation: [],
    ended: undefined,
    released: "",
    idf: () => 0,
    awareness: undefined,
    evidence: [],
    draft: undefined,
    composed: undefined,
    toolCalls: [],
    toolCallsMasked: false,
    finishReason: "",
    usage: {},
    composer: "",
    cachedFrom: "",
    passes: [],
    depth: 0,
    reflectionStop: ReflectionStop.UNSPECIFIED,
  };
}

/** Under which key a run keeps a text that was masked. */
export function maskedKey(part: MaskedPart, text: string): string {
  return `${part} ${text}`;
}
