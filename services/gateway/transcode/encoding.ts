/** How to write text of so many bytes in UTF-8: what is ASCII alone is copied, without a look at each character. */
export function encodingOf(text: string | Uint8Array, bytes: number): "latin1" | "utf8" {
  return text.length === bytes ? "latin1" : "utf8";
}
