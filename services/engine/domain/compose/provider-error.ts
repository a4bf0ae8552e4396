/** What went wrong with a provider. */
export type ProviderFailure =
  /** No connection, or one that broke before the answer began. */
  | "unreachable"
  | "connect_timeout"
  | "first_byte_timeout"
  /** The whole of it took too long, all attempts together. */
  | "timeout"
  /** It answered 429. */
  | "overloaded"
  /** It answered 5xx. */
  | "failed"
  /** It refuses our key or address: 401, 403, 404. */
  | "denied"
  /** It refuses this request: any other status that is no success. */
  | "refused"
  | "redirected"
  | "too_large"
  /** Its answer says to be of another type than was asked for. */
  | "wrong_type"
  /** Its answer is not what it says to be. */
  | "malformed"
  /** Its answer ended in the middle. */
  | "cut"
  /** It failed so often lately that it is left alone for a while. */
  | "breaker_open"
  /** Nobody waits for the answer any more. */
  | "canceled";

/** Failures that may pass in a moment, and that leave nothing of an answer behind. */
const passing: ReadonlySet<ProviderFailure> = new Set([
  "unreachable",
  "connect_timeout",
  "overloaded",
  "failed",
]);

/** Failures that say nothing about the provider. */
const innocent: ReadonlySet<ProviderFailure> = new Set(["refused", "canceled", "breaker_open"]);

/** A provider's answer could not be had or read. Its message never holds the answer, an address or a key. */
export class ProviderError extends Error {
  override readonly name = "ProviderError";

  constructor(
    readonly failure: ProviderFailure,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  /** Whether the same request may succeed in a moment. No byte of an answer has been read then. */
  get retryable(): boolean {
    return passing.has(this.failure);
  }

  /** Whether the provider is to blame, and not the request. */
  get counts(): boolean {
    return !innocent.has(this.failure);
  }
}
