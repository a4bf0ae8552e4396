import type { IncomingHttpHeaders } from "node:http";

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const forbiddenInValue = /[^\t\x20-\x7e\x80-\xff]/;
const cookie = "set-cookie";

/** Names that were checked, with what they are in lower case. */
const names = new Map<string, string>();
const mostNames = 500;

/**
 * The headers of a call, as `Headers` has them (WHATWG Fetch), for a tenth of
 * its price: received ones are read where Node left them, and nothing is made
 * until something is set. Pseudo-headers of HTTP/2 are left out.
 */
export class Metadata implements Headers {
  readonly #received: IncomingHttpHeaders | undefined;
  /** Everything once something has been changed. Several cookies are kept apart. */
  #own: Map<string, string> | undefined;
  #cookies: string[] | undefined;

  /** The headers that Node received, which are left as they are. */
  constructor(received?: IncomingHttpHeaders) {
    this.#received = received;
  }

  /** Whether there is nothing to write. */
  get isEmpty(): boolean {
    return this.#own === undefined && this.#cookies === undefined && this.#received === undefined;
  }

  get(name: string): string | null {
    const key = name.toLowerCase();
    if (key === cookie) return this.#joinedCookies();
    if (this.#own) return this.#own.get(key) ?? null;
    const value: unknown = this.#received?.[key];
    if (typeof value === "string") return key.startsWith(":") ? null : value;
    // What every object has, such as `constructor`, is neither.
    return Array.isArray(value) ? value.join(", ") : null;
  }

  has(name: string): boolean {
    return this.get(name) !== null;
  }

  set(name: string, value: string): void {
    const key = checkedName(name);
    const text = checkedValue(value);
    if (key === cookie) this.#cookies = [text];
    else this.#changed().set(key, text);
  }

  /** The same for a name in lower case and a value of visible ASCII, which both are ours and not looked at. */
  put(name: string, value: string): void {
    this.#changed().set(name, value);
  }

  append(name: string, value: string): void {
    const key = checkedName(name);
    const text = checkedValue(value);
    if (key === cookie) {
      this.#cookies = [...this.#allCookies(), text];
      return;
    }
    const own = this.#changed();
    const before = own.get(key);
    own.set(key, before === undefined ? text : `${before}, ${text}`);
  }

  delete(name: string): void {
    const key = name.toLowerCase();
    if (key === cookie) this.#cookies = [];
    else this.#changed().delete(key);
  }

  getSetCookie(): string[] {
    return [...this.#allCookies()];
  }

  forEach(callback: (value: string, key: string, parent: Headers) => void, thisArg?: unknown): void {
    for (const [name, value] of this) callback.call(thisArg, value, name, this as unknown as Headers);
  }

  /** As `forEach` but for cookies, which are left out, and for the order, which takes sorting. */
  eachUnordered(callback: (value: string, name: string) => void): void {
    if (this.#own === undefined && this.#received === undefined) return;
    for (const [name, value] of this.#own ?? this.#receivedMap()) callback(value, name);
  }

  entries() {
    return this.#list()[Symbol.iterator]();
  }

  keys() {
    return this.#list()
      .map(([name]) => name)
      [Symbol.iterator]();
  }

  values() {
    return this.#list()
      .map(([, value]) => value)
      [Symbol.iterator]();
  }

  [Symbol.iterator]() {
    return this.entries();
  }

  get [Symbol.toStringTag](): string {
    return "Headers";
  }

  #list(): [string, string][] {
    const entries = [...(this.#own ?? this.#receivedMap())];
    for (const value of this.#allCookies()) entries.push([cookie, value]);
    return entries.sort(([one], [other]) => (one < other ? -1 : Number(one > other)));
  }

  #changed(): Map<string, string> {
    this.#own ??= this.#receivedMap();
    return this.#own;
  }

  #receivedMap(): Map<string, string> {
    const map = new Map<string, string>();
    for (const name in this.#received) {
      const value = this.#received[name];
      if (value !== undefined && name !== cookie && !name.startsWith(":")) map.set(name, joined(value));
    }
    return map;
  }

  #joinedCookies(): string | null {
    const cookies = this.#allCookies();
    return cookies.length > 0 ? cookies.join(", ") : null;
  }

  #allCookies(): readonly string[] {
    return this.#cookies ?? this.#received?.[cookie] ?? [];
  }
}

/** Sets a header of our own: its name is in lower case, its value of visible ASCII. */
export function setOwn(headers: Headers, name: string, value: string): void {
  if (headers instanceof Metadata) headers.put(name, value);
  else headers.set(name, value);
}

function joined(value: string | string[]): string {
  return typeof value === "string" ? value : value.join(", ");
}

function checkedName(name: string): string {
  const known = names.get(name);
  if (known !== undefined) return known;
  if (!token.test(name)) throw new TypeError(`${JSON.stringify(name)} is no name of a header`);
  const key = name.toLowerCase();
  // Names are constants of the code, but nobody enforces it.
  if (names.size < mostNames) names.set(name, key);
  return key;
}

function checkedValue(value: string): string {
  const text = String(value).trim();
  if (forbiddenInValue.test(text)) throw new TypeError("the value of a header holds a forbidden character");
  return text;
}
