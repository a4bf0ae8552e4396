import { LRUCache } from "lru-cache";
import type { Clock } from "../kit/clock.js";
import type { Principal } from "../kit/context.js";
import type { Calibration } from "./domain/models/calibration.js";
import type { FeedbackStore } from "./feedback-store.js";

/** How long one is used without asking again, in milliseconds: other replicas write them too. */
const freshMs = 1_000;
const mostRemembered = 10_000;

/** Recalibrations for those who decide. */
export interface Recalibrations {
  /** That of an agent, at most a second old; undefined without one. */
  of(principal: Principal, agentId: string): Promise<Calibration | undefined>;
}

/** Recalibrations from the store, each asked for once a second at most. */
export function createRecalibrations({
  store,
  clock,
}: {
  readonly store: Pick<FeedbackStore, "calibration">;
  readonly clock: Pick<Clock, "monotonic">;
}): Recalibrations {
  const remembered = new LRUCache<string, { readonly until: number; readonly answer: Asked }>({
    max: mostRemembered,
  });
  return {
    of(principal, agentId) {
      const key = `${principal.tenant} ${agentId}`;
      const known = remembered.get(key);
      if (known && clock.monotonic() < known.until) return known.answer;
      const answer = store.calibration(principal, agentId);
      remembered.set(key, { until: clock.monotonic() + freshMs, answer });
      answer.catch(() => remembered.delete(key));
      return answer;
    },
  };
}

type Asked = Promise<Calibration | undefined>;
