/** A timer that has not fired. */
export interface Timer {
  /** Keeps it from firing; of no effect afterwards. */
  stop(): void;
}

/** Starts timers. */
export interface Timers {
  /** Calls `fire` after at least `ms` milliseconds, unless it is stopped before. */
  start(ms: number, fire: () => void): Timer;
}

const tickMs = 4;
const slotCount = 1024;

/**
 * A hashed timing wheel (Varghese and Lauck 1987, scheme 6) over one timer of
 * Node: starting and stopping cost the same however many there are, and a
 * timer fires at most one tick of 4 ms late. Nearly all deadlines are met, so
 * that nearly all timers are stopped. The wheel stands still while it is empty.
 */
export function createTimers(now: () => number = () => performance.now()): Timers {
  return new Wheel(now);
}

class Wheel implements Timers {
  readonly #slots = Array.from({ length: slotCount }, () => new Entry(undefined));
  readonly #now: () => number;
  #running: NodeJS.Timeout | undefined;
  #origin = 0;
  /** Ticks since the origin that have been gone through. */
  #done = 0;
  #count = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  start(ms: number, fire: () => void): Timer {
    const now = this.#now();
    if (!this.#running) this.#run(now);
    const due = Math.max(this.#done + 1, Math.ceil((now + Math.max(0, ms) - this.#origin) / tickMs));
    const entry = new Entry(this);
    entry.due = due;
    entry.fire = fire;
    entry.linkBefore(this.#slots[due % slotCount]!);
    this.#count += 1;
    return entry;
  }

  /** For an entry that has been taken out of its slot. */
  forget(): void {
    this.#count -= 1;
  }

  #run(now: number): void {
    this.#origin = now;
    this.#done = 0;
    this.#running = setInterval(() => this.#turn(), tickMs);
  }

  #turn(): void {
    const last = Math.floor((this.#now() - this.#origin) / tickMs);
    const until = Math.max(this.#done, last);
    // After a pause longer than a revolution each slot is gone through once.
    const from = Math.max(this.#done, until - slotCount);
    this.#done = until;
    for (let tick = from + 1; tick <= until; tick += 1) fireDue(this.#slots[tick % slotCount]!, until);
    if (this.#count > 0) return;
    clearInterval(this.#running);
    this.#running = undefined;
  }
}

/** A timer in a circular list, or the head of one. */
class Entry implements Timer {
  due = Number.POSITIVE_INFINITY;
  fire: (() => void) | undefined;
  next: Entry = this;
  #previous: Entry = this;
  #wheel: Wheel | undefined;

  constructor(wheel: Wheel | undefined) {
    this.#wheel = wheel;
  }

  linkBefore(head: Entry): void {
    this.next = head;
    this.#previous = head.#previous;
    head.#previous.next = this;
    head.#previous = this;
  }

  get waiting(): boolean {
    return this.#wheel !== undefined;
  }

  stop(): void {
    if (!this.#wheel) return;
    this.#previous.next = this.next;
    this.next.#previous = this.#previous;
    this.#wheel.forget();
    this.#wheel = undefined;
  }
}

/** What fires may stop others that are due, so that those are asked again. */
function fireDue(head: Entry, until: number): void {
  if (head.next === head) return;
  const due: Entry[] = [];
  for (let entry = head.next; entry !== head; entry = entry.next) if (entry.due <= until) due.push(entry);
  for (const entry of due) {
    if (!entry.waiting) continue;
    entry.stop();
    entry.fire?.();
  }
}

/** The wheel that everything in a process may share. */
export const sharedTimers: Timers = createTimers();
