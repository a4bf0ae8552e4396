/** Passes pieces one at a time: who gives one waits until it has been taken. */
export class Handover<T> implements AsyncIterable<T> {
  #offered: { readonly value: T; readonly taken: () => void } | undefined;
  #closed = false;
  #wake: () => void = () => undefined;

  /** Resolves when the piece has been taken; rejects with the signal's reason. */
  give(value: T, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => reject(signal.reason);
      if (signal.aborted) return leave();
      signal.addEventListener("abort", leave, { once: true });
      const taken = () => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      this.#offered = { value, taken };
      this.#wake();
    });
  }

  /** Ends the iteration. */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const offered = this.#offered;
      this.#offered = undefined;
      if (offered) {
        yield offered.value;
        offered.taken();
      } else if (this.#closed) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}
