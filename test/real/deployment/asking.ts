import type { Clients, Reply } from "./clients.js";
import { type Ledger, told } from "./ledger.js";

/** Calls of idempotent methods that go on until stopped. */
export interface Asking {
  /** How many calls there were. */
  answered(): number;
  /** Resolves with what those said that were not answered as they should be. */
  stop(): Promise<readonly string[]>;
}

/** Makes an agent and a decision, and starts to ask for them and for what else has no effects. */
export async function startAsking(options: {
  readonly clients: Clients;
  /** Takes note of the two. */
  readonly ledger: Ledger;
  readonly concurrency: number;
  /** Time between two calls of one of them, in milliseconds. */
  readonly pauseMs: number;
}): Promise<Asking> {
  const { send, repeat } = options.clients;
  const text = "How is confidence computed?";
  const name = "asked for";
  const agent = await send("POST", "/api/v1/agents", { name, agent_type: "test" });
  options.ledger.add({ kind: "create", told: told(agent), name, id: agent?.body.id });
  const decision = await send("POST", "/api/v1/consciousness/process", { input: text });
  options.ledger.add({ kind: "decide", told: told(decision), id: decision?.body.decision_id });
  const questions = [
    ["GET", `/api/v1/agents/${agent?.body.id}`],
    ["GET", "/api/v1/agents?page_size=5"],
    ["GET", "/api/v1/auth/profile"],
    ["GET", `/api/v1/consciousness/decisions/${decision?.body.decision_id}`],
    ["GET", "/api/v1/consciousness/state"],
    ["POST", "/api/v1/consciousness/ethical-eval", { text }],
  ] as const;
  let stopped = false;
  let answered = 0;
  const failed: string[] = [];
  const ask = async () => {
    for (let turn = 0; !stopped; turn++) {
      const [method, path, body] = questions[turn % questions.length] as (typeof questions)[number];
      const reply = await repeat(method, path, body);
      answered += 1;
      await new Promise((resolve) => setTimeout(resolve, options.pauseMs));
      if (reply?.status !== 200) failed.push(`${method} ${path}: ${saying(reply)}`);
    }
  };
  const asking = Promise.all(Array.from({ length: options.concurrency }, ask));
  return {
    answered: () => answered,
    async stop() {
      stopped = true;
      await asking;
      return failed;
    },
  };
}

function saying(reply: Reply): string {
  return reply ? `${reply.status} ${reply.body?.reason}: ${reply.body?.detail}` : "no answer";
}
