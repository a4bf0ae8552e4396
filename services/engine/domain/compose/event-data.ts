import { TextDecoder } from "node:util";
import { ProviderError } from "./provider-error.js";

/**
 * The `data` of each event of a stream of server-sent events
 * (https://html.spec.whatwg.org/multipage/server-sent-events.html): comments
 * and other fields are left out, several lines of one event are joined. What
 * the stream ends in without a blank line is no event. Rejects with
 * `ProviderError` when it is not UTF-8.
 */
export async function* eventData(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let data: string[] = [];
  for await (const line of linesOf(chunks)) {
    if (line === "") {
      if (data.length > 0) yield data.join("\n");
      data = [];
    } else if (line.startsWith("data:")) {
      data.push(line.slice(line[5] === " " ? 6 : 5));
    }
  }
}

/** Lines end in CR, LF or both. The last one counts only with its end. */
async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rest = "";
  let afterReturn = false;
  for await (const chunk of chunks) {
    let text = decode(decoder, chunk);
    if (afterReturn && text.startsWith("\n")) text = text.slice(1);
    if (text !== "") afterReturn = text.endsWith("\r");
    const lines = text.split(/\r\n|\r|\n/);
    lines[0] = rest + lines[0];
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

function decode(decoder: TextDecoder, chunk: Uint8Array): string {
  try {
    return decoder.decode(chunk, { stream: true });
  } catch {
    throw new ProviderError("malformed", "answered something that is not UTF-8");
  }
}
