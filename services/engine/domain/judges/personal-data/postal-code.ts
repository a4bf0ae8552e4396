import { isDigit } from "../../text/characters.js";
import { createContext, tokens } from "./context.js";
import { type Finding, structureScore } from "./finding.js";

const isOfPost = createContext("zip|zipcode|postal code|postcode|post code|plz|zip code", 16);
const longest = 9;

/** Finds postal codes that a text calls so: the first run with a digit behind the word. */
export function findPostalCodes(text: string): Finding<"postal_code">[] {
  const found: Finding<"postal_code">[] = [];
  let last = 0;
  for (const { start, end, run } of tokens(text, "-")) {
    if (
      !hasDigit(run) ||
      run.length > longest ||
      run.length < 3 ||
      !isOfPost(text.slice(last, start), start - last)
    )
      continue;
    const more = secondHalf(text, end);
    found.push({ type: "postal_code", span: { start, end: more }, score: structureScore });
    last = more;
  }
  return found;
}

/** Codes such as `394 13` and `SW1A 1AA` have a second half of two to four units that holds a digit. */
function secondHalf(text: string, end: number): number {
  if (text[end] !== " ") return end;
  const [next] = tokens(text.slice(end + 1, end + 6), "");
  const short = next && next.start === 0 && next.run.length <= 3 && next.run.length >= 2;
  return short && isDigit(next.run.charCodeAt(0)) ? end + 1 + next.end : end;
}

function hasDigit(run: string): boolean {
  return [...run].some((unit) => unit >= "0" && unit <= "9");
}
