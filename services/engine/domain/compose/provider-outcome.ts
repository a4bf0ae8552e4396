import type { TokenCount } from "./completion.js";
import type { ProviderAnswer } from "./provider-answer.js";
import { ProviderError, type ProviderFailure } from "./provider-error.js";

/** How one exchange with a provider ended. */
export interface ProviderOutcome {
  readonly provider: string;
  readonly outcome: "ok" | ProviderFailure;
  readonly seconds: number;
  readonly tokens?: TokenCount;
  readonly cost?: number;
  readonly asked: ProviderAsked;
  /** Why the model ended, as `Completion` has it; absent without an answer. */
  readonly finishReason?: string;
  /** The model that the provider says has answered. */
  readonly model?: string;
}

/** What a provider was asked for, and where; nothing of what was said. */
export interface ProviderAsked {
  readonly model: string;
  readonly stream: boolean;
  /** Up to and without `/chat/completions`. */
  readonly baseUrl: string;
}

/** Whose exchanges are measured, and who is told. */
export interface Measuring {
  readonly provider: string;
  readonly asked: ProviderAsked;
  readonly observe: (outcome: ProviderOutcome) => void;
}

/** Does the work of an exchange and tells how it ended, how long it took and what it cost. */
export async function measured(
  { provider, asked, observe }: Measuring,
  work: () => Promise<ProviderAnswer>,
): Promise<ProviderAnswer> {
  const start = performance.now();
  const seconds = () => (performance.now() - start) / 1000;
  try {
    const answer = await work();
    const { tokens, cost, finishReason, model } = answer;
    observe({
      provider,
      outcome: "ok",
      seconds: seconds(),
      asked,
      finishReason,
      ...(model !== undefined && { model }),
      ...(tokens && { tokens }),
      ...(cost !== undefined && { cost }),
    });
    return answer;
  } catch (error) {
    const outcome = error instanceof ProviderError ? error.failure : "malformed";
    observe({ provider, outcome, seconds: seconds(), asked });
    throw error;
  }
}
