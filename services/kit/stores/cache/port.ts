/** What is forgotten together, such as all that derives from one agent. */
export interface CacheGroup {
  readonly tenant: string;
  /** Such as `agent/<id>`. */
  readonly group: string;
}

/** What a value is kept under. */
export interface CacheKey extends CacheGroup {
  /** What it is, with the version of its form, such as `knowledge.v2`. */
  readonly name: string;
}

/** What a read found, and what a write after it has to give back. */
export interface CacheRead {
  /** Absent when there is none, or none of the current generation. */
  readonly value: Uint8Array | undefined;
  /** Whether it is younger than its `freshMs`. */
  readonly fresh: boolean;
  /** Which of the group's generations this is; the group's end is the next one's begin. */
  readonly generation: string;
}

/** How long a value is good for, in milliseconds. */
export interface CacheLife {
  readonly freshMs: number;
  /** How long after that it may still be read, as not fresh. */
  readonly staleMs: number;
}

/**
 * Keeps values for a while, and may forget any at any time. One adapter per file
 * beside this one. Rejects with DEPENDENCY_UNAVAILABLE when it is away.
 *
 * A group has a generation that ends when the group is invalidated. A value
 * belongs to the generation in which its making began, so what was loaded before
 * a change and is written after it is never read.
 */
export interface Cache {
  read(key: CacheKey): Promise<CacheRead>;
  write(key: CacheKey, value: Uint8Array, life: CacheLife & Pick<CacheRead, "generation">): Promise<void>;
  /** Forgets everything of the group, for all who share the cache. */
  invalidate(group: CacheGroup): Promise<void>;
  ping(): Promise<void>;
  close(): Promise<void>;
}
