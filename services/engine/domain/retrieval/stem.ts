const vowels = /[aeiouy]/;
const vowel = (text: string) => vowels.test(text);

/**
 * Brings a lower-case English word to a common stem: plurals after the S
 * stemmer of Harman (1991, "How effective is suffixing?"), then `-ed`, `-ing`
 * and a final `-e`. Errs towards leaving words as they are.
 */
export function stem(word: string): string {
  if (word.length < 4 || !isPlain(word)) return word;
  return withoutFinalE(withoutEnding(singular(word)));
}

function isPlain(word: string): boolean {
  for (let at = 0; at < word.length; at++) {
    const unit = word.charCodeAt(at);
    if (unit < 97 || unit > 122) return false;
  }
  return true;
}

function singular(word: string): string {
  if (word.endsWith("ies") && word.length > 4) return `${word.slice(0, -3)}y`;
  if (["sses", "shes", "ches", "xes", "zes"].some((end) => word.endsWith(end))) return word.slice(0, -2);
  const keeps = ["ss", "us", "is"].some((end) => word.endsWith(end));
  return word.endsWith("s") && !keeps ? word.slice(0, -1) : word;
}

function withoutEnding(word: string): string {
  if (word.endsWith("ied") && word.length > 4) return `${word.slice(0, -3)}y`;
  for (const ending of ["ing", "ed"]) {
    const rest = word.slice(0, -ending.length);
    if (word.endsWith(ending) && rest.length >= 3 && vowel(rest)) return withoutDouble(rest);
  }
  return word;
}

function withoutDouble(word: string): string {
  const last = word.at(-1) ?? "";
  const doubled = last === word.at(-2) && !"lsz".includes(last) && !vowel(last);
  return doubled ? word.slice(0, -1) : word;
}

function withoutFinalE(word: string): string {
  return word.endsWith("e") && word.length > 3 ? word.slice(0, -1) : word;
}
