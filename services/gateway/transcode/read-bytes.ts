import { errors } from "../../kit/errors.js";
import { type BodySpace, bodySpace } from "../../kit/serve/body-space.js";
import type { RestRequest } from "./exchange.js";
import type { StartTimer } from "./timer.js";

/** Bounds of a request body. */
export interface BodyLimits {
  readonly maxBytes: number;
  /** Within each of these times `leastBytes` must arrive, or the body's end; in milliseconds. */
  readonly arrivalMs: number;
  readonly leastBytes: number;
  readonly startTimer: StartTimer;
  /** Memory of all bodies that arrive; the process's own unless given. */
  readonly space?: BodySpace;
}

/**
 * Reads a whole body, and resolves to what `make` makes of it. Rejects with
 * BODY_TOO_LARGE as soon as that is known, with BODY_TIMEOUT, with
 * BODY_SPACE_EXHAUSTED, or with CANCELED when the client goes away.
 */
export function readBytes<T>(
  request: RestRequest,
  limits: BodyLimits,
  make: (bytes: Buffer) => T,
): Promise<Awaited<T>> {
  return new Promise((resolve, reject) => {
    const taken = (bytes: Buffer): void => {
      try {
        resolve(make(bytes) as Awaited<T>);
      } catch (failure) {
        reject(failure);
      }
    };
    if (request.destroyed) reject(errors.canceled());
    else if (Number(request.headers["content-length"] ?? 0) > limits.maxBytes) reject(tooLarge(limits));
    else new Reading(request, limits, { taken, failed: reject }).begin();
  });
}

interface ReadingOutcome {
  taken(bytes: Buffer): void;
  failed(error: Error): void;
}

/**
 * A body on its way. Its listeners stay when it is over, as taking them off costs more than they do.
 * A client that goes away closes the request; HTTP/2 first tells of one taken back by `aborted`, and
 * of its end after that.
 */
class Reading {
  readonly #request: RestRequest;
  readonly #limits: BodyLimits;
  readonly #space: BodySpace;
  readonly #outcome: ReadingOutcome;
  #first: Buffer | undefined;
  /** Most bodies are one piece, which is not copied. */
  #pieces: Buffer[] | undefined;
  #size = 0;
  #over = false;
  #stopTimer: () => void = nothing;

  constructor(request: RestRequest, limits: BodyLimits, outcome: ReadingOutcome) {
    this.#request = request;
    this.#limits = limits;
    this.#space = limits.space ?? bodySpace;
    this.#outcome = outcome;
  }

  begin(): void {
    this.#watch(0);
    const request = this.#request;
    const gone = () => this.#over || this.#fail(errors.canceled());
    request.on("data", (chunk: Buffer) => this.#take(chunk)).on("end", () => this.#end());
    request.on("close", gone);
    if (request.httpVersionMajor > 1) request.on("aborted", gone);
  }

  /** A large body over a slow line may take as long as it needs, while it makes progress. */
  #watch(from: number): void {
    const { startTimer, arrivalMs, leastBytes } = this.#limits;
    this.#stopTimer = startTimer(arrivalMs, () => {
      if (this.#size - from < leastBytes) this.#fail(errors.bodyTimeout({ limit_ms: arrivalMs }));
      else this.#watch(this.#size);
    });
  }

  #take(chunk: Buffer): void {
    if (this.#over) return;
    this.#size += chunk.length;
    this.#space.take(chunk.length);
    if (this.#size > this.#limits.maxBytes) this.#fail(tooLarge(this.#limits));
    else if (this.#space.exhausted) this.#fail(errors.bodySpaceExhausted());
    else if (this.#pieces) this.#pieces.push(chunk);
    else if (this.#first) this.#pieces = [this.#first, chunk];
    else this.#first = chunk;
  }

  #end(): void {
    if (this.#over) return;
    const bytes = this.#pieces ? Buffer.concat(this.#pieces) : (this.#first ?? empty);
    this.#stop();
    this.#outcome.taken(bytes);
  }

  #fail(error: Error): void {
    if (this.#over) return;
    this.#stop();
    this.#request.pause();
    this.#outcome.failed(error);
  }

  #stop(): void {
    this.#over = true;
    this.#stopTimer();
    this.#space.give(this.#size);
    this.#first = undefined;
    this.#pieces = undefined;
  }
}

const empty = Buffer.alloc(0);
const nothing = () => undefined;

function tooLarge({ maxBytes }: BodyLimits) {
  return errors.bodyTooLarge({ limit_bytes: maxBytes });
}
