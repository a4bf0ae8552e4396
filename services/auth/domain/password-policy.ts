import { errors } from "../../kit/errors.js";
import { guessesLog10, longestWord, type Ranks, shortestWord } from "./password-guesses.js";

/** Fewest and most characters of a password, in its NFKC form. */
export const shortestPassword = 12;
export const longestPassword = 256;

/** A password is easy to guess below this many guesses, as a power of ten. */
const fewestGuesses = 8;
/** What is close at hand here, besides the account's own words. */
const ownNames = ["consciousness", "engine"];

/** What a password may not be made of. */
export interface PasswordSubject {
  readonly username: string;
  readonly email: string;
}

/** What is wrong with a password. */
export type PasswordProblem = "length" | "common" | "account";

let known: Promise<Ranks> | undefined;

/** What is wrong with a new password; undefined when it will do. */
export async function judgePassword(
  password: string,
  subject: PasswordSubject,
): Promise<PasswordProblem | undefined> {
  const text = password.normalize("NFKC");
  const length = [...text].length;
  if (length < shortestPassword || length > longestPassword) return "length";
  // Read when somebody chooses a password, which most processes never see.
  known ??= loadRanks();
  const ranks = await known;
  const names = new Set(ownNames);
  if (guessesLog10(text, ranks, names) < fewestGuesses) return "common";
  const own = new Set([...names, ...wordsOf(subject.username), ...wordsOf(subject.email)]);
  return guessesLog10(text, ranks, own) < fewestGuesses ? "account" : undefined;
}

/** Throws PASSWORD_LENGTH_INVALID, PASSWORD_TOO_COMMON or PASSWORD_RESEMBLES_ACCOUNT for a password that will not do. */
export async function requireGoodPassword(password: string, subject: PasswordSubject): Promise<void> {
  switch (await judgePassword(password, subject)) {
    case "length":
      throw errors.passwordLengthInvalid({ shortest: shortestPassword, longest: longestPassword });
    case "common":
      throw errors.passwordTooCommon();
    case "account":
      throw errors.passwordResemblesAccount();
    default:
  }
}

/** A name or an address with its parts, forwards and backwards. */
function wordsOf(name: string): string[] {
  const lower = name.normalize("NFKC").toLowerCase();
  const parts = [lower, ...lower.split(/[^\p{L}\p{N}]/u)].filter((part) => [...part].length >= shortestWord);
  return parts.flatMap((part) => {
    const characters = [...part].slice(0, longestWord);
    return [characters.join(""), characters.reverse().join("")];
  });
}

async function loadRanks(): Promise<Ranks> {
  const { dictionary } = await import("@zxcvbn-ts/language-common");
  const ranks = new Map<string, number>();
  for (const words of Object.values(dictionary)) {
    words.forEach((word, i) => {
      const text = String(word).toLowerCase();
      if (text.length >= shortestWord && text.length <= longestWord) {
        ranks.set(text, Math.min(i, ranks.get(text) ?? i));
      }
    });
  }
  return ranks;
}
