/** Letters of other scripts beside the Latin letter that they pass for. */
const lookAlikes: Readonly<Record<string, string>> = {
  a: "аα",
  b: "вьβ",
  c: "сϲ",
  d: "ԁ",
  e: "еєε",
  g: "ɡ",
  h: "һн",
  i: "іιıɪ",
  j: "јϳ",
  k: "кκ",
  l: "ӏ",
  m: "м",
  n: "ոη",
  o: "оοσօ",
  p: "рρ",
  q: "ԛ",
  r: "гʀ",
  s: "ѕ",
  t: "тτ",
  u: "υս",
  v: "νѵ",
  w: "ԝω",
  x: "хχ",
  y: "уγү",
  z: "ᴢ",
};

const latin = new Map(
  Object.entries(lookAlikes).flatMap(([to, from]) => [...from].map((letter) => [letter, to] as const)),
);

/** Replaces each letter that passes for a Latin one; expects lower case. */
export function foldHomoglyphs(text: string): string {
  let folded = "";
  for (const letter of text) folded += letter.charCodeAt(0) < 128 ? letter : (latin.get(letter) ?? letter);
  return folded;
}
