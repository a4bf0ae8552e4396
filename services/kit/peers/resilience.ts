import type { Transport } from "@connectrpc/connect";
import { BrokenCircuitError, ExponentialBackoff, handleWhen, retry } from "cockatiel";
import { errors } from "../errors.js";
import { isLost, isPassing, isUnsent } from "./failures.js";
import { createReplica, type Replica } from "./replica.js";

/** Makes calls of one peer: chooses its replica, and repeats what may be repeated. */
export interface Resilience {
  run<T>(idempotent: boolean, call: (transport: Transport) => Promise<T>, signal: AbortSignal): Promise<T>;
}

/** Where a peer answers. */
export interface ResilienceOptions {
  /** Name of the peer. */
  readonly peer: string;
  /** One for each replica. */
  readonly transports: readonly Transport[];
  /** Aborts when nobody calls any more. */
  readonly closed: AbortSignal;
}

/** For deployments in a mesh, whose proxies choose, retry and break circuits themselves. */
export const noResilience = (transport: Transport): Resilience => ({ run: (_, call) => call(transport) });

/**
 * Spreads calls over replicas: each goes to the one with the fewest under way,
 * in turn among equals, and to one in doubt only where there is no other. Lost
 * calls and those of a peer that is overloaded are repeated, at most 3 times
 * with exponential backoff, when they are idempotent; a call that cannot have
 * arrived goes to another replica whatever it is. Answers that a peer's own
 * dependency is away are not repeated, as all replicas have the same.
 */
export function createResilience({ peer, transports, closed }: ResilienceOptions): Resilience {
  const replicas = transports.map((transport) => createReplica(transport, closed));
  const choose = chooser(replicas);
  const backoff = new ExponentialBackoff({ initialDelay: 50, maxDelay: 1000 });
  const elsewhere = (error: unknown) =>
    isUnsent(error) && replicas.some((replica) => replica.standing() === "trusted");
  const attempts = { maxAttempts: 3, backoff };
  const repeated = retry(
    handleWhen((error) => isLost(error) || isPassing(error)),
    attempts,
  );
  const once = retry(handleWhen(elsewhere), attempts);
  return {
    async run(idempotent, call, signal) {
      try {
        return await (idempotent ? repeated : once).execute(() => choose().run(call, signal), signal);
      } catch (error) {
        throw error instanceof BrokenCircuitError
          ? errors.dependencyUnavailable({ dependency: peer }, error)
          : error;
      }
    },
  };
}

const ranks = { trusted: 0, doubted: 1, refused: 2 };

function chooser(replicas: readonly Replica[]): () => Replica {
  let turn = 0;
  const better = (one: Replica, other: Replica) =>
    ranks[one.standing()] - ranks[other.standing()] || one.inFlight() - other.inFlight();
  return () => {
    turn = (turn + 1) % replicas.length;
    const inTurn = [...replicas.slice(turn), ...replicas.slice(0, turn)];
    return inTurn.reduce((best, replica) => (better(replica, best) < 0 ? replica : best));
  };
}
