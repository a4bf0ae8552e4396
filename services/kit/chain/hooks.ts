import type { Interceptor } from "@connectrpc/connect";
import { answerOf, type Next, type Request, type Response } from "./next.js";

/**
 * What a layer does when a call comes in and when it ends, for layers that need
 * not stand around the call. Hooks that give no promise make nobody wait: a
 * call passes any number of them within one promise. A layer hears of the end
 * of those calls alone that it let in.
 */
export interface Hooks<State = unknown> {
  /** The call comes in. Throws or rejects to refuse it; what it gives is kept for the end. */
  begin?(request: Request): State | Promise<State>;
  /** Everything further in has answered. Gives what goes out. */
  served?(response: Response, request: Request, state: State): Response | Promise<Response>;
  /** Something further in has failed. What this throws goes out in place of the error. */
  failed?(error: unknown, request: Request, state: State): void | Promise<void>;
}

/** The hooks of neighbouring layers, outermost first, as one interceptor. */
export function fuse(hooks: readonly Hooks[]): Interceptor {
  const hearsOfEnds = hooks.some(({ served, failed }) => served || failed);
  return (next) => {
    const enter = hearsOfEnds ? (run: Run) => run.follow(next) : (run: Run) => next(run.request);
    return (request) => new Run(hooks, request, enter).begin(0);
  };
}

/** One call on its way through hooks. */
class Run {
  readonly request: Request;
  readonly #hooks: readonly Hooks[];
  readonly #enter: (run: Run) => ReturnType<Next>;
  readonly #states: unknown[];

  constructor(hooks: readonly Hooks[], request: Request, enter: (run: Run) => ReturnType<Next>) {
    this.request = request;
    this.#hooks = hooks;
    this.#enter = enter;
    this.#states = new Array(hooks.length);
  }

  /** Passes the hooks from `at` on, inwards, and goes on to what stands behind them. */
  begin(at: number): ReturnType<Next> {
    for (let inner = at; inner < this.#hooks.length; inner += 1) {
      try {
        const state = this.#hooks[inner]!.begin?.(this.request);
        if (state instanceof Promise) return this.#resume(inner, state);
        this.#states[inner] = state;
      } catch (error) {
        return this.#fail(inner - 1, error);
      }
    }
    return this.#enter(this);
  }

  /** Goes on to `next`, and tells every hook how that ended. */
  follow(next: Next): ReturnType<Next> {
    const last = this.#hooks.length - 1;
    return answerOf(next, this.request).then(
      (response) => this.#serve(last, response),
      (error) => this.#fail(last, error),
    );
  }

  #resume(at: number, pending: Promise<unknown>): ReturnType<Next> {
    return pending.then(
      (state) => {
        this.#states[at] = state;
        return this.begin(at + 1);
      },
      (error) => this.#fail(at - 1, error),
    );
  }

  /** Tells the hooks from `at` on, outwards, what goes out. */
  #serve(at: number, response: Response): Response | Promise<Response> {
    let leaving = response;
    for (let outer = at; outer >= 0; outer -= 1) {
      const hook = this.#hooks[outer]!;
      if (!hook.served) continue;
      try {
        const given = hook.served(leaving, this.request, this.#states[outer]);
        if (given instanceof Promise) return this.#serveLater(outer, given);
        leaving = given;
      } catch (error) {
        return this.#fail(outer - 1, error);
      }
    }
    return leaving;
  }

  #serveLater(at: number, pending: Promise<Response>): Promise<Response> {
    return pending.then(
      (response) => this.#serve(at - 1, response),
      (error) => this.#fail(at - 1, error),
    );
  }

  /** Tells the hooks from `at` on, outwards, what went wrong. */
  async #fail(at: number, error: unknown): Promise<never> {
    let leaving = error;
    for (let outer = at; outer >= 0; outer -= 1) {
      try {
        await this.#hooks[outer]!.failed?.(leaving, this.request, this.#states[outer]);
      } catch (thrown) {
        leaving = thrown;
      }
    }
    throw leaving;
  }
}
