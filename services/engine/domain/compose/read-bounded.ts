import { ProviderError } from "./provider-error.js";

/**
 * The chunks of an answer, as long as they are no more than `mostBytes`
 * altogether; then the rest is not read. Rejects with `ProviderError`, also
 * when the answer ends before its end.
 */
export async function* readBounded(
  body: AsyncIterable<Uint8Array>,
  mostBytes: number,
): AsyncGenerator<Uint8Array> {
  let size = 0;
  try {
    for await (const chunk of body) {
      size += chunk.byteLength;
      if (size > mostBytes) throw new ProviderError("too_large", `answered more than ${mostBytes} bytes`);
      yield chunk;
    }
  } catch (error) {
    throw error instanceof ProviderError
      ? error
      : new ProviderError("cut", "broke off in the middle of its answer", { cause: error });
  }
}

/** All of a bounded answer as text. Rejects as `readBounded` does, and when it is not UTF-8. */
export async function readText(body: AsyncIterable<Uint8Array>, mostBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of readBounded(body, mostBytes)) chunks.push(chunk);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    throw new ProviderError("malformed", "answered something that is not UTF-8");
  }
}
