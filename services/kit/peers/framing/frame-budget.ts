/** Frames without use that a server may send at a stroke. */
const most = 1_000;
/** What a server that has run out has regained for each second since it last had. */
const regainedPerSecond = 100;
/** What a server regains for each frame of an answer, and of data that it may want to grant anew. */
const regainedPerUse = 10;

/**
 * How many frames a server may send that bring no answer forward: PING,
 * SETTINGS, WINDOW_UPDATE, empty DATA, interim answers, frames of streams that
 * have ended, and unknown ones. Each is legitimate, and free for who sends it, so that
 * only a server that floods us runs out (RFC 9113, section 10.5).
 */
export class FrameBudget {
  readonly #now: () => number;
  #left = most;
  #spentAt: number;

  /** `now` is in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
    this.#spentAt = now();
  }

  /** Counts a frame without use; false once there were too many. */
  spend(): boolean {
    this.#left -= 1;
    if (this.#left >= 0) return true;
    // The clock is asked only when there is need.
    const now = this.#now();
    const regained = Math.floor(((now - this.#spentAt) / 1_000) * regainedPerSecond);
    this.#spentAt = now;
    this.#left = Math.min(most, regained) - 1;
    return this.#left >= 0;
  }

  /** Counts a frame of an answer, or of data to the server. */
  earn(): void {
    if (this.#left < most) this.#left = Math.min(most, this.#left + regainedPerUse);
  }
}
