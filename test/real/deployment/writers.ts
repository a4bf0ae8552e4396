import { decodeJwt } from "jose";
import { newId } from "../../../services/kit/ids.js";
import { adminPassword } from "../../support/platform.js";
import type { Reply, Send } from "./clients.js";
import { type Ledger, told } from "./ledger.js";

/** Writes that go on until stopped. */
export interface Writers {
  stop(): Promise<void>;
}

/** What writers are made of. */
export interface WritersOptions {
  readonly send: Send;
  readonly ledger: Ledger;
  /** How many write at once, each its own agents one step after the other. */
  readonly concurrency: number;
  /** Hears of every answer. */
  readonly heard?: (reply: Reply, milliseconds: number) => void;
  /** Least time between two writes of one writer, in milliseconds. */
  readonly paceMs?: number;
}

/** Starts writers, each of which makes, asks, changes and deletes agents, and signs in. */
export function startWriters(options: WritersOptions): Writers {
  let stopped = false;
  const steps = writeSteps({ ...options, send: paced(options) });
  const write = async () => {
    while (!stopped) {
      const id = await steps.create();
      for (const step of id === undefined ? [] : [steps.update, steps.decide, steps.update]) {
        if (!stopped) await step(id as string);
      }
      if (!stopped) await steps.signIn();
      // Every other agent stays, so that there is something to find.
      if (id !== undefined && !stopped && Math.random() < 0.5) await steps.remove(id);
    }
  };
  const writing = Promise.all(Array.from({ length: options.concurrency }, write));
  return {
    async stop() {
      stopped = true;
      await writing;
    },
  };
}

/** Single writes, each noted in the ledger; they resolve to whether they were acknowledged. */
export function writeSteps({ send, ledger }: Pick<WritersOptions, "send" | "ledger">) {
  const agent = (name: string, description: string) => ({
    name,
    description,
    agent_type: "test",
    status: "AGENT_STATUS_ACTIVE",
    knowledge: [{ title: "Opening hours", text: "The shop opens at nine and closes at six." }],
  });
  const names = new Map<string, string>();
  return {
    async create(): Promise<string | undefined> {
      const name = newId();
      const reply = await send("POST", "/api/v1/agents", agent(name, "first"));
      const id = told(reply) === "acknowledged" ? String(reply?.body.id) : undefined;
      ledger.add({ kind: "create", told: told(reply), name, id });
      if (id) names.set(id, name);
      return id;
    },
    async update(id: string): Promise<boolean> {
      const description = newId();
      const reply = await send("PUT", `/api/v1/agents/${id}`, agent(names.get(id) ?? "", description));
      ledger.add({ kind: "update", told: told(reply), id, description });
      return told(reply) === "acknowledged";
    },
    async remove(id: string): Promise<boolean> {
      const reply = await send("DELETE", `/api/v1/agents/${id}`);
      ledger.add({ kind: "delete", told: told(reply), id });
      return told(reply) === "acknowledged";
    },
    /** Asks an agent, or the engine about itself. */
    async decide(agentId?: string): Promise<boolean> {
      const input = agentId === undefined ? "How is confidence computed?" : "When does the shop open?";
      const reply = await send("POST", "/api/v1/consciousness/process", { input, agent_id: agentId });
      const id = told(reply) === "acknowledged" ? String(reply?.body.decision_id) : undefined;
      ledger.add({ kind: "decide", told: told(reply), id });
      return id !== undefined;
    },
    async signIn(): Promise<boolean> {
      const reply = await send("POST", "/api/v1/auth/login", { username: "admin", password: adminPassword });
      const token = told(reply) === "acknowledged" ? String(reply?.body.tokens.access_token) : undefined;
      const id = token === undefined ? undefined : String(decodeJwt(token).sid);
      ledger.add({ kind: "sign-in", told: told(reply), id });
      return id !== undefined;
    },
  };
}

function paced({ send, heard, paceMs = 0 }: WritersOptions): Send {
  return async (...request) => {
    const start = performance.now();
    const reply = await send(...request);
    const took = performance.now() - start;
    heard?.(reply, took);
    if (took < paceMs) await new Promise((resolve) => setTimeout(resolve, paceMs - took));
    return reply;
  };
}
