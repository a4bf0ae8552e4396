import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { CircuitState, CountBreaker, circuitBreaker, handleType } from "cockatiel";
import { Health } from "#gen/ts/grpc/health/v1/health_pb.js";
import { abortableDelay } from "../abortable-delay.js";
import { isLost, isSilence } from "./failures.js";

/** One of the addresses at which a peer answers. */
export interface Replica {
  /** Doubted from a call without an answer until a health check gets one; refused while the breaker is open. */
  standing(): "trusted" | "doubted" | "refused";
  /** Calls under way. */
  inFlight(): number;
  /** Rejects with `BrokenCircuitError` while the breaker is open. */
  run<T>(call: (transport: Transport) => Promise<T>, signal: AbortSignal): Promise<T>;
}

const checkTimeoutMs = 1_000;
const checkPauseMs = 250;

/**
 * An address with a breaker of its own, which opens when half of the last 10
 * calls were lost, for 30 seconds. A loss is followed by health checks until
 * `closed`; an answer to one, whatever it says, closes the breaker at once.
 */
export function createReplica(transport: Transport, closed: AbortSignal): Replica {
  let breaker = createBreaker();
  let inFlight = 0;
  let doubted = false;

  const doubt = async () => {
    if (doubted) return;
    doubted = true;
    while (!closed.aborted && !(await answers(transport))) await abortableDelay(checkPauseMs, closed);
    breaker = createBreaker();
    doubted = false;
  };

  return {
    standing: () => {
      if (breaker.state === CircuitState.Open) return "refused";
      return doubted ? "doubted" : "trusted";
    },
    inFlight: () => inFlight,
    async run(call, signal) {
      inFlight += 1;
      try {
        return await breaker.execute(() => marked(call(transport), signal), signal);
      } catch (thrown) {
        const error = thrown instanceof LostCall ? thrown.cause : thrown;
        if (isSilence(error, signal)) void doubt();
        throw error;
      } finally {
        inFlight -= 1;
      }
    },
  };
}

/** What the breaker counts. A call that its caller gave up looks the same, and says nothing of the peer. */
class LostCall extends Error {}

async function marked<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw isLost(error, signal) ? new LostCall("a call was lost", { cause: error }) : error;
  }
}

function createBreaker() {
  return circuitBreaker(handleType(LostCall), {
    halfOpenAfter: 30_000,
    // It opens above the threshold, so with the fifth failure.
    breaker: new CountBreaker({ threshold: 0.4, size: 10 }),
  });
}

async function answers(transport: Transport): Promise<boolean> {
  try {
    await transport.unary(Health.method.check, undefined, checkTimeoutMs, undefined, {});
    return true;
  } catch (error) {
    const late = error instanceof ConnectError && error.code === Code.DeadlineExceeded;
    return !late && !isLost(error);
  }
}
