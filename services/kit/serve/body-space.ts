/** Memory that bodies share while they arrive. */
export interface BodySpace {
  /** Notes bytes that a body has brought. */
  take(bytes: number): void;
  /** Notes that all of a body's bytes are somebody else's now, or gone. */
  give(bytes: number): void;
  /** Whether there is less room than was taken: whoever brought more last has to go. */
  readonly exhausted: boolean;
}

/**
 * What all bodies of a process may take until they are whole, in bytes. Each is
 * bounded, but many connections that each hold back the last byte of a large
 * one would together fill any memory.
 */
const most = 128 * 1024 * 1024;

/** Space for `bytes`. */
export function createBodySpace(bytes: number): BodySpace {
  let taken = 0;
  return {
    take(more) {
      taken += more;
    },
    give(less) {
      taken -= less;
    },
    get exhausted() {
      return taken > bytes;
    },
  };
}

/** The process's own. */
export const bodySpace = createBodySpace(most);
