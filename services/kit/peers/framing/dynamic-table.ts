/** What an entry takes beside its name and value, in octets (RFC 7541, section 4.1). */
export const entryOverhead = 32;

/** Fields of earlier header blocks, the newest first (RFC 7541, section 2.3.2). */
export class DynamicTable<Entry extends { readonly size: number }> {
  readonly #slots: (Entry | undefined)[];
  readonly #onEvict: (entry: Entry) => void;
  #newest = 0;
  #count = 0;
  #size = 0;
  #limit: number;

  /** `limit` is the most octets that it may ever have. */
  constructor(limit: number, onEvict: (entry: Entry) => void = () => undefined) {
    this.#slots = Array(Math.floor(limit / entryOverhead) + 1).fill(undefined);
    this.#onEvict = onEvict;
    this.#limit = limit;
  }

  get count(): number {
    return this.#count;
  }

  /** Octets that it holds. */
  get size(): number {
    return this.#size;
  }

  /** Octets that it may hold now. */
  get limit(): number {
    return this.#limit;
  }

  /** Undefined for an index that nothing has; 0 is the newest. */
  at(index: number): Entry | undefined {
    if (index >= this.#count) return undefined;
    const slot = this.#newest - index;
    return this.#slots[slot < 0 ? slot + this.#slots.length : slot];
  }

  /** An entry that is larger than the table leaves it empty (RFC 7541, section 4.4). */
  add(entry: Entry): void {
    this.#evictTo(this.#limit - entry.size);
    if (entry.size > this.#limit) return;
    this.#newest = (this.#newest + 1) % this.#slots.length;
    this.#slots[this.#newest] = entry;
    this.#count += 1;
    this.#size += entry.size;
  }

  /** Takes another limit, which is not above the first. */
  resize(limit: number): void {
    this.#limit = limit;
    this.#evictTo(limit);
  }

  #evictTo(size: number): void {
    while (this.#count > 0 && this.#size > size) {
      const oldest = (this.#newest - this.#count + 1 + this.#slots.length) % this.#slots.length;
      const entry = this.#slots[oldest]!;
      this.#slots[oldest] = undefined;
      this.#count -= 1;
      this.#size -= entry.size;
      this.#onEvict(entry);
    }
  }
}
