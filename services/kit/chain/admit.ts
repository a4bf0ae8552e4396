import type { Principal } from "../context.js";
import type { Limits } from "../stores/limits/port.js";
import { accountKey, type Rate } from "./bounds.js";
import { type Held, reserveFromQuota, takeFromRates } from "./counters.js";
import type { Places } from "./places.js";
import type { Quotas } from "./quota.js";
import type { Standing } from "./rate-headers.js";

/** A call that every counter let pass. */
export interface Admitted {
  /** The counters that it passed, as it left them. */
  readonly standings: readonly Standing[];
  /** Whether it holds anything until it ends. */
  readonly holds: boolean;
  /** Gives back what the call, which ended so, did not use; the counters as they are then. */
  settle(error?: unknown): readonly Standing[];
}

export interface AdmitOptions {
  readonly limits: Limits;
  readonly places: Places;
  readonly quotas: Quotas;
}

/**
 * Lets a call pass its counters, those first that cost least: the account's
 * rates, the places of account and tenant, and their quotas. What refuses it
 * takes nothing, and what it held by then is given back. Without a cost only
 * the rates count.
 */
export function admitBy({ limits, places, quotas }: AdmitOptions) {
  return async (principal: Principal, cost: number | undefined): Promise<Admitted> => {
    const allowance = quotas.allowanceOf(principal.tier);
    const who = accountKey(principal);
    const rates = await takeFromRates(limits, allowance.rates, who);
    if (cost === undefined) return passedBy(rates, []);
    const shared = quotas.sharedBy(principal.tenant);
    const together = shared instanceof Promise ? await shared : shared;
    const held: Held[] = [];
    const passed = () => [...rates, ...held.map(({ standing }) => standing)];
    const bounds = [
      [allowance, who],
      [together, principal.tenant],
    ] as const;
    try {
      for (const [{ ceiling }, whose] of bounds) {
        if (ceiling) held.push(await places.enter(ceiling, whose, passed()));
      }
      for (const [{ quota }, whose] of bounds) {
        if (!quota || cost === 0) continue;
        held.push(await reserveFromQuota(limits, quota, { who: whose, cost, passed: passed() }));
      }
    } catch (error) {
      for (const one of held) one.settle(error);
      throw error;
    }
    return passedBy(rates, held);
  };
}

/** A call of somebody who has no account: counted, and nothing held. */
export async function admitStranger(limits: Limits, rate: Rate, address: string): Promise<Admitted> {
  return passedBy(await takeFromRates(limits, [rate], address), []);
}

function passedBy(rates: readonly Standing[], held: readonly Held[]): Admitted {
  return {
    standings: [...rates, ...held.map(({ standing }) => standing)],
    holds: held.length > 0,
    settle: (error) => [...rates, ...held.map((one) => one.settle(error))],
  };
}
