import { isSpace } from "../text/characters.js";

/** A window longer than this, in UTF-16 units, ends at the next blank. */
const longest = 320;
/** A sentence shorter than this joins the next one: a word or two says little. */
const shortest = 16;

/**
 * Ends of the windows of a folded text, one for each sentence or line; the
 * last is the text's length. Windows cover the text without gaps.
 */
export function windowEnds(text: string): number[] {
  const ends: number[] = [];
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    const length = at + 1 - start;
    if (length < shortest || !(closes(text, at) || (length >= longest && isSpace(text.charCodeAt(at)))))
      continue;
    ends.push(at + 1);
    start = at + 1;
  }
  if (start < text.length) {
    if (ends.length > 0 && text.length - start < shortest) ends.pop();
    ends.push(text.length);
  }
  return ends;
}

function closes(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  if (unit === 10) return true;
  if (unit !== 46 && unit !== 33 && unit !== 63 && unit !== 0x3002) return false;
  return at + 1 === text.length || isSpace(text.charCodeAt(at + 1)) || unit === 0x3002;
}
