import { type Answer, withAnswer } from "../answer.js";
import type { Principal } from "../context.js";
import type { Limits } from "../stores/limits/port.js";
import { type Allowance, accountKey, type Rate, type SharedAllowance } from "./bounds.js";
import { type Counter, type Held, quotaCounter, rateCounter } from "./counters.js";
import type { Places } from "./places.js";
import type { Quotas } from "./quota.js";
import type { Standing } from "./rate-headers.js";

/** A call that every counter let pass. */
export interface Admitted {
  /** The counters that it passed, as it left them. */
  readonly standings: readonly Standing[];
  /** Whether it holds anything until it ends. */
  readonly holds: boolean;
  /** Gives back what the call, which ended so, did not use; the standings are as they are then. */
  settle(error?: unknown): void;
}

export interface AdmitOptions {
  readonly limits: Limits;
  readonly places: Places;
  readonly quotas: Quotas;
}

/** The counters of an account or of a tenant. */
interface Counters {
  readonly ceiling: Counter | undefined;
  readonly quota: Counter | undefined;
}

/** Those of an account, which last as long as its principal is known. */
interface Account extends Counters {
  readonly allowance: Allowance;
  readonly rates: readonly Counter[];
  /** Those behind the rates, where the tenant has none. */
  readonly alone: readonly Counter[];
}

/**
 * Lets calls that cost so much pass their counters, those first that cost least:
 * the account's rates, the places of account and tenant, and their quotas. What
 * refuses a call takes nothing, and what it held by then is given back. Without a
 * cost only the rates count.
 */
export function admitBy({ limits, places, quotas }: AdmitOptions, cost: number | undefined) {
  const accounts = new WeakMap<Principal, Account>();
  const countersOf = ({ ceiling, quota }: SharedAllowance, who: string): Counters => ({
    ceiling: ceiling && places.counter(ceiling, who),
    quota: quota && cost ? quotaCounter(limits, quota, who, cost) : undefined,
  });
  const accountOf = (principal: Principal): Account => {
    const allowance = quotas.allowanceOf(principal.tier);
    const known = accounts.get(principal);
    if (known?.allowance === allowance) return known;
    const who = accountKey(principal);
    const counters = countersOf(allowance, who);
    const rates = [rateCounter(limits, allowance.rates, who)];
    const account = { ...counters, allowance, rates, alone: inOrder(counters, undefined) };
    accounts.set(principal, account);
    return account;
  };
  const behindRates = (account: Account, shared: SharedAllowance, tenant: string): readonly Counter[] =>
    shared.ceiling || shared.quota ? inOrder(account, countersOf(shared, tenant)) : account.alone;

  return (principal: Principal): Answer<Admitted> => {
    const account = accountOf(principal);
    const passage = new Passage();
    const rated = passage.through(account.rates);
    if (cost === undefined) return rated;
    const { tenant } = principal;
    return withAnswer(rated, () =>
      withAnswer(quotas.sharedBy(tenant), (shared) => passage.through(behindRates(account, shared, tenant))),
    );
  };
}

/** A call of somebody who has no account: counted, and nothing held. */
export function admitStranger(limits: Limits, rate: Rate, address: string): Answer<Admitted> {
  return new Passage().through([rateCounter(limits, [rate], address)]);
}

function inOrder(account: Counters, tenant: Counters | undefined): readonly Counter[] {
  const counters = [account.ceiling, tenant?.ceiling, account.quota, tenant?.quota];
  return counters.filter((counter) => counter !== undefined);
}

/** A call on its way past counters. */
class Passage implements Admitted {
  readonly standings: Standing[] = [];
  readonly #held: Held[] = [];

  get holds(): boolean {
    return this.#held.length > 0;
  }

  /** Passes the counters from `at` on, one behind the other. */
  through(counters: readonly Counter[], at = 0): Answer<this> {
    for (let n = at; n < counters.length; n += 1) {
      try {
        const held = counters[n]!(this.standings);
        if (held instanceof Promise) return this.#later(held, counters, n + 1);
        if (held) this.#held.push(held);
      } catch (error) {
        this.settle(error);
        throw error;
      }
    }
    return this;
  }

  async #later(pending: Promise<Held | undefined>, counters: readonly Counter[], at: number): Promise<this> {
    try {
      const held = await pending;
      if (held) this.#held.push(held);
    } catch (error) {
      this.settle(error);
      throw error;
    }
    return this.through(counters, at);
  }

  settle(error?: unknown): void {
    for (const one of this.#held) one.settle(error);
  }
}
