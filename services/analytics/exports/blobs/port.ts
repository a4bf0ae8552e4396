/**
 * Keeps files whose names are ids of ours. One adapter per file beside this one,
 * both to one contract test.
 */
export interface Blobs {
  /**
   * Keeps the content and resolves to its length in bytes, once it survives the
   * end of the process. One that rejects may leave a part, to be removed.
   */
  write(id: string, content: AsyncIterable<Uint8Array>): Promise<number>;
  /** The content in pieces of some tens of KiB; undefined without any. */
  read(id: string): Promise<AsyncIterable<Uint8Array<ArrayBuffer>> | undefined>;
  /** Removes the content, or a part of it, if there is any. */
  remove(id: string): Promise<void>;
}
