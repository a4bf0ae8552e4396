const letter = /^\p{L}$/u;
const mark = /^\p{M}$/u;

/** Whether the UTF-16 unit is `0` to `9`. */
export function isDigit(unit: number): boolean {
  return unit >= 48 && unit <= 57;
}

/** Whether the UTF-16 unit is an ASCII letter. */
export function isAsciiLetter(unit: number): boolean {
  const lower = unit | 32;
  return lower >= 97 && lower <= 122;
}

/** Whether the UTF-16 unit is an ASCII letter or digit. */
export function isAlphanumeric(unit: number): boolean {
  return isDigit(unit) || isAsciiLetter(unit);
}

/** Whether the UTF-16 unit is white space, line ends included. */
export function isSpace(unit: number): boolean {
  return unit === 32 || (unit >= 9 && unit <= 13) || unit === 160 || unit === 0x3000;
}

/** Whether the code point is a letter of any script. */
export function isLetter(codePoint: number): boolean {
  // Behind the end of a text the code point is NaN, which is no letter.
  return codePoint >= 128 ? letter.test(String.fromCodePoint(codePoint)) : isAsciiLetter(codePoint);
}

/** Whether the code point combines with the one before it. */
export function isMark(codePoint: number): boolean {
  return codePoint >= 0x300 && mark.test(String.fromCodePoint(codePoint));
}

/**
 * Whether the code point leaves no trace on a screen: soft hyphen, zero-width
 * and directional characters, variation selectors and tag characters.
 */
export function isInvisible(codePoint: number): boolean {
  return (
    codePoint === 0xad ||
    codePoint === 0x34f ||
    codePoint === 0x61c ||
    codePoint === 0x180e ||
    (codePoint >= 0x200b && codePoint <= 0x200f) ||
    (codePoint >= 0x202a && codePoint <= 0x202e) ||
    (codePoint >= 0x2060 && codePoint <= 0x206f) ||
    (codePoint >= 0xfe00 && codePoint <= 0xfe0f) ||
    codePoint === 0xfeff ||
    (codePoint >= 0xe0000 && codePoint <= 0xe0fff)
  );
}

/** First index at or after `from` whose unit does not belong. */
export function endOfRun(text: string, from: number, belongs: (unit: number) => boolean): number {
  let at = from;
  while (at < text.length && belongs(text.charCodeAt(at))) at++;
  return at;
}
