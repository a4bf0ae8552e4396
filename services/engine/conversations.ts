import type { HandlerContext } from "@connectrpc/connect";
import type { Decision } from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import { principalOf } from "../kit/context.js";
import type { EffectivePolicy } from "./domain/policy/policy.js";
import type { Pseudonyms } from "./domain/pseudonyms/pseudonymise.js";
import { restorableTokens, restoreTokens, tokensAsked, withValues } from "./domain/pseudonyms/restore.js";
import type { Policies } from "./policies.js";
import type { PseudonymStore } from "./pseudonym-store.js";

/** What following conversations takes. */
export interface ConversationsOptions {
  readonly store: Pick<PseudonymStore, "tokensOf" | "valuesOf">;
  readonly policies: Pick<Policies, "of">;
  /** Told of each request in a conversation. */
  readonly onRequest?: (tenant: string, conversationId: string) => void;
}

/** Whose conversation a call belongs to, and who answers. */
export interface Conversing {
  /** As the caller names it; undefined outside of conversations. */
  readonly conversationId: string | undefined;
  /** Empty for the engine itself. */
  readonly agentId: string;
  readonly context: HandlerContext;
}

/** Gives personal data tokens, and answers their values back. */
export interface Conversations {
  /** For the pipeline; undefined outside of conversations, and under a policy without tokens and values. */
  pseudonyms(of: Conversing, policy: EffectivePolicy): Pseudonyms | undefined;
  /**
   * The decision as its caller is told: values stand for those tokens of the
   * answer and of its tool calls that the caller's request brought, under a
   * policy that restores.
   */
  told(decision: Decision, of: Omit<Conversing, "agentId">): Promise<Decision>;
  /** A part of an answer as its caller is told, in the same way. */
  toldPart(part: string, placed: ReadonlySet<string>, of: Conversing): Promise<string>;
}

/** Tokens of a request, and the values of some. */
interface Values {
  readonly placed: ReadonlySet<string>;
  readonly values: ReadonlyMap<string, string>;
}

/** Follows conversations by their stored pseudonyms. Asks nobody about texts without tokens. */
export function createConversations({ store, policies, onRequest }: ConversationsOptions): Conversations {
  const findValues = async (
    text: string,
    asked: () => ReadonlySet<string>,
    { conversationId, agentId, context }: Conversing,
  ): Promise<Values | undefined> => {
    if (conversationId === undefined || !text.includes("[")) return undefined;
    const placed = asked();
    const tokens = restorableTokens(text, placed);
    if (tokens.length === 0) return undefined;
    const principal = principalOf(context);
    const { personalData } = await policies.of({ tenant: principal.tenant, agentId });
    if (!personalData.restores) return undefined;
    return { placed, values: await store.valuesOf({ principal, conversationId }, tokens) };
  };

  return {
    pseudonyms({ conversationId, context }, { personalData: { tokens: types, restores } }) {
      if (conversationId !== undefined) onRequest?.(principalOf(context).tenant, conversationId);
      // Without tokens to give, what looks like one must still not get the value of an earlier one.
      if (conversationId === undefined || (types.size === 0 && !restores)) return undefined;
      const of = { principal: principalOf(context), conversationId };
      return { types, placed: new Set(), tokensOf: (values) => store.tokensOf(of, values) };
    },

    async told(decision, of) {
      const texts = [decision.content, ...decision.toolCalls.map((call) => call.arguments)].join("\n");
      const asked = () => tokensAsked(decision);
      const found = await findValues(texts, asked, { ...of, agentId: decision.agentId });
      return found ? withValues(decision, found.placed, found.values) : decision;
    },

    async toldPart(part, placed, of) {
      const found = await findValues(part, () => placed, of);
      return found ? restoreTokens(part, found.placed, found.values).text : part;
    },
  };
}
