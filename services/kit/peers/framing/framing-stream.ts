import type { WireListener, WireStream } from "../wire-connection.js";

/** One unary call on a connection, from its HEADERS on. */
export class FramingStream implements WireStream {
  readonly id: number;
  readonly listener: WireListener;
  /** Whether the headers of the answer have come, so that data and trailers may. */
  answered = false;
  /** Octets that the server takes before it grants more; below 0 when its settings took some back. */
  sendWindow: number;
  /** Octets that came and have not been granted anew. */
  owed = 0;
  /** The part of the request that waits for a window. */
  unsent: Uint8Array | undefined;
  readonly #onCancel: (stream: FramingStream) => void;

  constructor(
    id: number,
    listener: WireListener,
    options: { readonly sendWindow: number; readonly onCancel: (stream: FramingStream) => void },
  ) {
    this.id = id;
    this.listener = listener;
    this.sendWindow = options.sendWindow;
    this.#onCancel = options.onCancel;
  }

  cancel(): void {
    this.#onCancel(this);
  }
}
