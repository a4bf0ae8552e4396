import type { ReplyHeaders } from "../wire-reply.js";
import type { Field } from "./header-decoder.js";
import { errorCode } from "./protocol.js";
import { StreamFault } from "./protocol-error.js";

/** Of fields that can only have one value, the first counts, as with node:http2. */
const single: ReadonlySet<string> = new Set([
  "age",
  "authorization",
  "content-length",
  "content-type",
  "date",
  "etag",
  "expires",
  "last-modified",
  "location",
  "retry-after",
  "server",
]);

const colon = 0x3a;
const statusPattern = /^[1-9]\d\d$/;

/**
 * Headers without inherited ones, as node:http2 has them. Unlike those of
 * `Object.create(null)`, V8 does not keep them in a hash table, which takes
 * several times as long to fill and to go through.
 */
const NoHeaders = function NoHeaders() {} as unknown as new () => ReplyHeaders;
NoHeaders.prototype = Object.create(null);

/** What a header block of an answer says. */
export interface ReplyBlock {
  /** As node:http2 has them. */
  readonly headers: ReplyHeaders;
  /** Undefined in trailers. */
  readonly status: number | undefined;
}

/** Gathers the fields of one header block after another, and judges them by RFC 9113, sections 8.2 and 8.3. */
export class ReplyFields {
  readonly #largest: number;
  #headers: ReplyHeaders = new NoHeaders();
  #size = 0;
  #status: number | undefined;
  #regular = false;
  #problem: string | undefined;

  /** `largest` is the largest list of headers that is taken, in octets as section 6.5.2 counts them. */
  constructor(largest: number) {
    this.#largest = largest;
  }

  readonly take = (field: Field): void => {
    this.#size += field.size;
    // The rest is only read for the table's sake.
    if (this.#size > this.#largest || this.#problem !== undefined) return;
    if (field.problem !== undefined) this.#problem = field.problem;
    else if (field.name.charCodeAt(0) === colon) this.#takePseudo(field);
    else {
      this.#regular = true;
      this.#add(field);
    }
  };

  /** What came since the last block. Throws a StreamFault for what is malformed or too large. */
  finish(): ReplyBlock {
    const block = { headers: this.#headers, status: this.#status };
    const [size, problem] = [this.#size, this.#problem];
    this.discard();
    if (problem !== undefined) throw new StreamFault(errorCode.protocol, problem);
    if (size > this.#largest) {
      const message = `headers of ${size} bytes, where ${this.#largest} are allowed`;
      throw new StreamFault(errorCode.enhanceYourCalm, message);
    }
    return block;
  }

  /** Forgets what came since the last block. */
  discard(): void {
    this.#headers = new NoHeaders();
    this.#size = 0;
    this.#status = undefined;
    this.#regular = false;
    this.#problem = undefined;
  }

  #takePseudo({ name, value }: Field): void {
    if (name !== ":status") this.#problem = `no answer has "${name.slice(0, 64)}"`;
    else if (this.#regular) this.#problem = '":status" behind another field';
    else if (this.#status !== undefined) this.#problem = 'two times ":status"';
    else if (!statusPattern.test(value)) this.#problem = '":status" without a status';
    else {
      this.#status = Number(value);
      this.#headers[":status"] = this.#status;
    }
  }

  #add({ name, value }: Field): void {
    const headers = this.#headers as Record<string, string | string[] | undefined>;
    const before = headers[name];
    if (name === "set-cookie") headers[name] = before === undefined ? [value] : [...before, value];
    else if (before === undefined) headers[name] = value;
    else if (!single.has(name)) headers[name] = `${before}${name === "cookie" ? "; " : ", "}${value}`;
  }
}
