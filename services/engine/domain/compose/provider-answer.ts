import type { IncomingMessage } from "node:http";
import type { ProviderConfig } from "../../config.js";
import { type Completion, type CompletionPart, parseCompletion, readChunks } from "./completion.js";
import { eventData } from "./event-data.js";
import { ProviderError } from "./provider-error.js";
import { readBounded, readText } from "./read-bounded.js";

/** The media type of a whole answer. */
export const jsonType = "application/json";
/** The media type of an answer in pieces. */
export const eventType = "text/event-stream";

/** An answer and what it cost. */
export interface ProviderAnswer extends Completion {
  /** In the currency of the configured prices; absent without tokens or prices. */
  readonly cost?: number;
}

/** The whole answer of a provider. Rejects with `ProviderError`. */
export async function wholeAnswer(
  response: IncomingMessage,
  config: ProviderConfig,
): Promise<ProviderAnswer> {
  requireType(response, [jsonType]);
  return priced(parseCompletion(await readText(response, config.mostBytes)), config);
}

/** Hands over what comes of an answer piece by piece; resolves with its end. Rejects with `ProviderError`. */
export async function streamedAnswer(
  response: IncomingMessage,
  config: ProviderConfig,
  give: (part: CompletionPart) => Promise<void>,
): Promise<ProviderAnswer> {
  for await (const part of partsOf(response, config)) {
    if (part.kind === "end") return priced(part.completion, config);
    await give(part);
  }
  throw new ProviderError("cut", "broke off in the middle of its answer");
}

/** Events as they come; a provider that does not stream answers in one piece. */
async function* partsOf(
  response: IncomingMessage,
  { mostBytes }: ProviderConfig,
): AsyncGenerator<CompletionPart> {
  if (requireType(response, [eventType, jsonType]) === eventType) {
    yield* readChunks(eventData(readBounded(response, mostBytes)));
    return;
  }
  const completion = parseCompletion(await readText(response, mostBytes));
  if (completion.content !== "") yield { kind: "content", text: completion.content };
  yield { kind: "end", completion };
}

/** The answer's type; one that says none is taken for JSON. */
function requireType(response: IncomingMessage, accepted: readonly string[]): string {
  const { "content-type": given = jsonType, "content-encoding": coding = "identity" } = response.headers;
  const type = given.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (accepted.includes(type) && coding === "identity") return type;
  response.destroy();
  throw new ProviderError("wrong_type", "answered in another form than was asked for");
}

function priced(completion: Completion, { prices }: ProviderConfig): ProviderAnswer {
  const { tokens } = completion;
  if (!tokens || !prices) return completion;
  const cost = (tokens.input * prices.inputPerMillion + tokens.output * prices.outputPerMillion) / 1e6;
  return { ...completion, cost };
}
