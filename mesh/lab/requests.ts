/** One HTTP/2 request, sent as often as asked. */
export interface Load {
  /** `http://agents:8002`, or `https://10.99.0.11:8443`. */
  readonly origin: string;
  /** Host to ask for, where it is not the origin's. */
  readonly authority?: string;
  /** Host to name in the TLS handshake. */
  readonly servername?: string;
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** In base64. */
  readonly body?: string;
  /** Bodies of the requests one after the other, in base64, in place of `body`. */
  readonly bodies?: readonly string[];
  /** How often; once by default, without end when `milliseconds` is given. */
  readonly times?: number;
  /** For how long. */
  readonly milliseconds?: number;
  /** How long one request may take, in milliseconds; 5000 by default. Its connection ends with it. */
  readonly timeoutMs?: number;
  /** How many at once. */
  readonly concurrency?: number;
  /** Least time between the starts of two requests of one worker, in milliseconds. */
  readonly everyMs?: number;
}

/** What came back, and when. */
export interface Reply {
  /** 0 when there was no response. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly trailers: Readonly<Record<string, string>>;
  /** Whether the header block ended the stream. */
  readonly headersOnly: boolean;
  /** In base64. */
  readonly body: string;
  /** Code of the connection's or stream's error; empty without one. */
  readonly error: string;
  /** Milliseconds from the load's start to the request's. */
  readonly startedMs: number;
  readonly tookMs: number;
}
