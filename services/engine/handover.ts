/** Passes pieces on in order, to one reader. */
export class Handover<T> implements AsyncIterable<T> {
  readonly #offered: { readonly value: T; readonly taken: () => void }[] = [];
  #closed = false;
  #wake: () => void = () => undefined;

  /** Does not wait; for pieces that are few by their nature. */
  put(value: T): void {
    this.#offered.push({ value, taken: () => undefined });
    this.#wake();
  }

  /** Resolves when the piece has been taken and the next is asked for; rejects with the signal's reason. */
  give(value: T, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => reject(signal.reason);
      if (signal.aborted) return leave();
      signal.addEventListener("abort", leave, { once: true });
      const taken = () => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      this.#offered.push({ value, taken });
      this.#wake();
    });
  }

  /** Ends the iteration once all has been taken. */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const offered = this.#offered.shift();
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
