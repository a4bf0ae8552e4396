/** Words that people choose, with their rank: the first is the commonest. */
export type Ranks = ReadonlyMap<string, number>;

/** Longest and shortest word that is looked up, in characters. */
export const longestWord = 20;
export const shortestWord = 3;

/** Longest distance at which a repetition is seen. */
const longestLag = 64;
const shortestRun = 3;
/** Of a word that belongs to the account, in powers of ten. */
const ownWordCost = 0.3;
const disguiseCost = 0.3;
const runCost = 1;

const disguises = [
  "@a",
  "4a",
  "8b",
  "(c",
  "3e",
  "6g",
  "9g",
  "!i",
  "1i",
  "|l",
  "0o",
  "$s",
  "5s",
  "7t",
  "+t",
  "2z",
];
const undisguise = new Map(disguises.map((pair) => [pair[0], pair[1]]));
const rows = ["qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890", "qwertzuiop", "azertyuiop"];
const neighbours = new Set(rows.flatMap((row) => [...row].slice(1).map((c, i) => `${row[i]}${c}`)));

/**
 * About how many guesses an attacker needs who knows common passwords, the
 * account's own words, sequences and repetitions, as a power of ten: the
 * cheapest way to put the password together of such pieces and single
 * characters, in the manner of zxcvbn (Wheeler, USENIX Security 2016). Takes
 * time linear in the password's length.
 */
export function guessesLog10(password: string, ranks: Ranks, own: ReadonlySet<string>): number {
  const plain = [...password.toLowerCase()];
  const bare = plain.map((c) => undisguise.get(c) ?? c);
  const runs = runsOf(plain);
  const costs = [0];
  for (let end = 1; end <= plain.length; end++) {
    const single = (costs[end - 1] ?? 0) + characterCost(plain[end - 1] ?? "");
    const run = runs[end] ?? 0;
    const byRun = run < shortestRun ? Infinity : (costs[end - run] ?? 0) + runCost + Math.log10(run);
    costs.push(Math.min(single, byRun, cheapestWord({ plain, bare, end, costs, ranks, own })));
  }
  return costs[plain.length] ?? 0;
}

interface Place {
  readonly plain: readonly string[];
  readonly bare: readonly string[];
  readonly end: number;
  readonly costs: readonly number[];
  readonly ranks: Ranks;
  readonly own: ReadonlySet<string>;
}

/** The cheapest way to reach `end` by a word. */
function cheapestWord({ plain, bare, end, costs, ranks, own }: Place): number {
  let cheapest = Infinity;
  for (let length = shortestWord; length <= Math.min(longestWord, end); length++) {
    const before = costs[end - length] ?? 0;
    const word = plain.slice(end - length, end).join("");
    const undisguised = bare.slice(end - length, end).join("");
    for (const [text, extra] of [
      [word, 0],
      [undisguised, disguiseCost],
    ] as const) {
      const rank = ranks.get(text);
      if (own.has(text)) cheapest = Math.min(cheapest, before + ownWordCost + extra);
      if (rank !== undefined) cheapest = Math.min(cheapest, before + Math.log10(rank + 1) + extra);
    }
  }
  return cheapest;
}

/** For each end, how many characters before it go on as they began: a sequence, a row of keys, a repetition. */
function runsOf(characters: readonly string[]): number[] {
  const longest = Array<number>(characters.length + 1).fill(0);
  const note = (end: number, length: number) => {
    longest[end] = Math.max(longest[end] ?? 0, length);
  };
  let former = "";
  let steps = 0;
  characters.forEach((c, i) => {
    const kind = stepKind(characters[i - 1], c);
    steps = kind !== "" && kind === former ? steps + 1 : kind === "" ? 0 : 1;
    former = kind;
    if (steps > 0) note(i + 1, steps + 1);
  });
  for (let lag = 1; lag <= Math.min(longestLag, characters.length - 1); lag++) {
    let equal = 0;
    for (let i = lag; i < characters.length; i++) {
      equal = characters[i] === characters[i - lag] ? equal + 1 : 0;
      if (equal >= Math.max(lag, shortestRun - 1)) note(i + 1, equal);
    }
  }
  return longest;
}

/** How one character leads to the next; empty when in no known way. */
function stepKind(before: string | undefined, after: string): string {
  if (before === undefined) return "";
  const difference = (after.codePointAt(0) ?? 0) - (before.codePointAt(0) ?? 0);
  if (Math.abs(difference) <= 1) return String(difference);
  if (neighbours.has(before + after)) return "row";
  return neighbours.has(after + before) ? "row back" : "";
}

function characterCost(character: string): number {
  if (character >= "0" && character <= "9") return 1;
  if (character >= "a" && character <= "z") return Math.log10(26);
  return character <= "~" ? Math.log10(33) : 2;
}
