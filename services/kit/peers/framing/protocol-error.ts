/** What the server did after which nothing on the connection can be trusted (RFC 9113, section 5.4.1). */
export class ConnectionFault extends Error {
  override readonly name = "ConnectionFault";
  /** As node:http2 says it, so that whoever sees the error knows that it is no answer. */
  readonly code = "ERR_HTTP2_SESSION_ERROR";
  /** For GOAWAY. */
  readonly errorCode: number;

  constructor(errorCode: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.errorCode = errorCode;
  }
}

/** What the server did that ends one stream and leaves the others alone (RFC 9113, section 5.4.2). */
export class StreamFault extends Error {
  override readonly name = "StreamFault";
  /** For RST_STREAM. */
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}
