import { type Attribution, isShareAlike } from "./attributions.js";
import type { Figures } from "./evaluate-all.js";
import { lineOf } from "./figure.js";

/** What a model card is made of. */
export interface CardContent {
  readonly version: string;
  readonly attributions: readonly Attribution[];
  /** Examples by source. */
  readonly counts: ReadonlyMap<string, number>;
  readonly figures: Figures;
}

const introduction = `The engine's embedded judges: linear models over hashed words, pairs of words, classes of words
(weapons, drugs, victims, words of prevention, words of instruction ...), pairs of classes near each other, and
n-grams of 3 to 5 characters, with weights of 8 bits. They run in the process, without a download.

- **Heads about harm**: sexual, hate, harassment, self_harm, harmful_request, jailbreak and
  instruction_in_data. The first four only warn. The last three also block, above a threshold that about one in
  three thousand ordinary texts of unseen sources exceeds; instruction_in_data counts for retrieved text and tool
  results only. Violence has no head: learned forms were at chance, so rules judge it.
- **Optimised suffixes**: a detector of windows of words that are unlike ordinary text. It counts as jailbreak.
- **What is encoded** in base64, hexadecimal digits or by 13 places is decoded and read by the same heads;
  zero-width characters, look-alike letters and digits for letters are undone before reading.
- **Heads of feeling**: the 28 labels of GoEmotions, valence and arousal. They describe the text.
- **Heads of ethics**: deontology (is the excuse reasonable), justice (is the claim fair), utility (how pleasant;
  for comparing, not for absolute values). Virtue and commonsense have none: at chance.
- **Support**: the probability that a passage supports an answer, by four small logistic models over features of
  retrieval: a question alone, a short answer, a long answer, a statement without a question.
- **Names and addresses**: a tagger of words, best effort. Everything else about personal data is found by pattern
  and checksum and was not trained.

Probabilities come from a logistic calibration. Heads about harm are calibrated on the scores of models that saw
nothing of the source (families of sources are left out in turn), for a mix in which one text in ten is of the
head's kind (self_harm: four times its share of our texts, 1.5 %): where harm is rarer, the probability is too high
by the ratio. Support is calibrated on articles left
out, for right and wrong passages in equal parts; emotions and ethics for the mix of their sets.`;

const weaknesses = `- English only; the pipeline abstains on text in other languages. Attacks in German among deepset's are mostly missed.
- Paraphrased attacks that read like ordinary prose pass. Rules do not see them either; a language model as judge may.
- The detector of optimised suffixes learned from suffixes that were built for it, not from published ones, and its
  figure is on such. It takes lists of foreign names and dense markup for noise at times.
- Recall on harmful requests of an unseen style is low at the blocking threshold: see the verdict by source left
  out, AILuminate and HarmBench above all. It was preferred to blocking harmless requests.
- Harmless requests built like harmful ones, with a verb that was not taught, are the commonest false block: see
  safe look-alikes.
- Hate and harassment follow words. Mentions of identities, counter-speech and reclaimed slurs raise false
  warnings: see the parts of HateCheck and ToxiGen.
- Sexual and self-harm heads transfer badly to sources left out, since little licensed text exists.
- Windows of long texts give more chances for a false alarm; thresholds are set for each length band where
  there was enough text.
- Hate reads praise of a group that is often insulted as likelier hateful than it is; it only warns.
- Support compares words. It does not see that a question was made unanswerable by one changed word ("trick
  question"), nor that a statement negates its passage.
- Names are taken for capitalised words in lists and headings at times; names in small letters are missed.
- Our own texts all teach; their figures come from models that saw nothing of their group.
- Splits by group keep variants together, but texts of one source resemble each other: the test split flatters, a
  left-out source is nearer to what strangers send.
- The ETHICS figures are on held-out groups of its training file, which are easier than its official test.`;

/** The model card as Markdown. */
export function renderCard({ version, attributions, counts, figures }: CardContent): string {
  const head = "| ability | measured on | items | value | 95 % interval | goal |\n|---|---|---|---|---|---|";
  const sources = attributions.map(
    (source) =>
      `| ${source.name} | ${source.origin} | ${source.licence} | ${counts.get(source.name) ?? "–"} |`,
  );
  const shared = attributions.filter(isShareAlike).map(({ name }) => name);
  return [
    `# Model card, version ${version}`,
    "Generated by `npm run train`; `npm run eval` prints the same figures.",
    introduction,
    "## Weaknesses",
    weaknesses,
    "## Sources",
    `Texts by source after duplicates went, for the heads about harm. The repository holds none of them; ours apart.
These weights were derived from text under CC BY-SA, among others: ${shared.join(", ")}. Whether weights inherit
a share-alike licence is unsettled; who must not risk it trains without a source by \`--drop "<name>"\`. Nothing
under a non-commercial licence or the GPL was used. neuralchemy's set of injections was left out, since its licence
could not be verified.`,
    ["| source | from | licence | texts |", "|---|---|---|---|", ...sources].join("\n"),
    "## Figures",
    `\`test split\`: groups that training did not see, of sources it did, by the weights as shipped. \`source left out\`:
by models trained without the family of the source, at the shipped thresholds. Blocked, false blocks, warnings,
risks and calibration errors: lower is better except for "blocked" of harmful texts.`,
    "### Goals",
    [head, ...figures.goals.map(lineOf)].join("\n"),
    "### Head by head",
    [head, ...figures.heads.map(lineOf)].join("\n"),
    "",
  ].join("\n\n");
}
