import { create, type Message, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type ProcessResponse,
  ProcessStreamRequestSchema,
  type ProcessStreamResponse,
  ReleaseMode,
} from "#gen/ts/consciousness/engine/v1/engine_service_pb.js";
import { Verdict } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import type { HttpBody } from "#gen/ts/google/api/httpbody_pb.js";
import type { Last } from "../../../services/generate/no-bypass/answers.js";
import type { DecisionRoute, Release } from "../../../services/generate/no-bypass/routes.js";

/** What a caller asks, and of whom. */
export interface Question {
  readonly agentId: string;
  readonly input: string;
}

/** What a message of an answer says. */
export interface MessageRead {
  readonly last: readonly Last[];
  readonly verdict?: string;
  readonly content?: string;
  readonly decisionId?: string;
  /** What left before the verdict. */
  readonly window?: string;
}

type Asking = (question: Question, release: Release) => object;

const process: Asking = ({ agentId, input }) => ({ agentId, input });

/** The request of each method that decides. A method without one is in no matrix, and fails the test. */
const requests: Readonly<Record<string, Asking>> = {
  "/consciousness.engine.v1.EngineService/Process": process,
  "/consciousness.engine.v1.EngineService/ProcessStream": (question, release) => ({
    request: process(question, release),
    release: release === "windowed" ? ReleaseMode.WINDOWED : ReleaseMode.BUFFERED,
  }),
  "/consciousness.openai.v1.ChatService/CreateChatCompletion": ({ agentId, input }, release) => {
    const messages = [{ role: "user", content: input }];
    const text = JSON.stringify({ model: agentId, messages, stream: release !== "whole" });
    return { contentType: "application/json", data: new Uint8Array(Buffer.from(text)) };
  },
};

/** The request of a route's method. Throws when the matrix has none. */
export function requestOf({ method, release }: DecisionRoute, question: Question): object {
  const asking = requests[method.path];
  if (!asking) throw new Error(`${method.path} decides and is in no matrix`);
  return asking(question, release);
}

/** What is posted over REST: the body, and what goes into the query. */
export function restRequestOf(route: DecisionRoute, question: Question): { body: string; query: string } {
  const request = requestOf(route, question);
  if ("data" in request) return { body: Buffer.from(request.data as Uint8Array).toString(), query: "" };
  if (!("request" in request)) return { body: JSON.stringify(request), query: "" };
  const { release } = request as MessageInitShape<typeof ProcessStreamRequestSchema>;
  const query = `?release=RELEASE_MODE_${ReleaseMode[create(ProcessStreamRequestSchema, { release: release ?? 0 }).release]}`;
  return { body: JSON.stringify(request.request), query };
}

/** Reads a message of an answer. */
export function readMessage(message: Message): MessageRead {
  if (isOf<ProcessResponse>(message, "consciousness.engine.v1.ProcessResponse"))
    return { ...readResult(message), last: ["message"] };
  if (isOf<ProcessStreamResponse>(message, "consciousness.engine.v1.ProcessStreamResponse"))
    return readEvent(message);
  return readHttpBody(message as HttpBody);
}

function isOf<M extends Message>(message: Message, type: string): message is M {
  return message.$typeName === type;
}

function readResult({ verdict, content, decisionId }: ProcessResponse) {
  return { verdict: Verdict[verdict] ?? "", content, decisionId };
}

function readEvent({ event }: ProcessStreamResponse): MessageRead {
  if (event.case === "result") return { ...readResult(event.value), last: ["result"] };
  return event.case === "window" ? { last: [], window: event.value.content } : { last: [] };
}

interface Completion {
  readonly choices: readonly {
    readonly message?: { readonly content: string };
    readonly delta?: { readonly content?: string };
    readonly finish_reason: string | null;
  }[];
  readonly consciousness?: { readonly decision_id: string; readonly verdict: string };
}

function readHttpBody({ contentType, data }: HttpBody): MessageRead {
  const text = Buffer.from(data).toString();
  if (contentType === "application/json") return readCompletion(JSON.parse(text));
  const events = text.split("\n\n").filter((one) => one.startsWith("data: "));
  const read = events.map((one) => readChunk(one.slice("data: ".length)));
  return {
    ...Object.assign({}, ...read),
    last: read.flatMap(({ last }) => last),
    content: read.map(({ content }) => content ?? "").join(""),
  };
}

function readChunk(data: string): MessageRead {
  return data === "[DONE]" ? { last: ["[DONE]"] } : readCompletion(JSON.parse(data));
}

function readCompletion({ choices: [choice], consciousness }: Completion): MessageRead {
  const content = choice?.message?.content ?? choice?.delta?.content ?? "";
  const last = choice?.finish_reason ? [`finish_reason ${choice.finish_reason}` as Last] : [];
  if (!consciousness) return { last, content };
  return { last, content, verdict: consciousness.verdict, decisionId: consciousness.decision_id };
}
