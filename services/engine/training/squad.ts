import { join } from "node:path";
import { readText } from "./csv.js";

/** A question about a paragraph. */
export interface SquadQuestion {
  readonly question: string;
  readonly is_impossible: boolean;
  readonly answers: readonly { readonly text: string; readonly answer_start: number }[];
  readonly plausible_answers?: readonly { readonly text: string; readonly answer_start: number }[];
}

/** An article with its paragraphs. */
export interface SquadArticle {
  readonly title: string;
  readonly paragraphs: readonly { readonly context: string; readonly qas: readonly SquadQuestion[] }[];
}

/** Articles of the half of SQuAD 2.0's development set. */
export function readArticles(folder: string): readonly SquadArticle[] {
  const text = readText(join(folder, "answerability/squad2_dev_half.json.gz"));
  return (JSON.parse(text) as { data: SquadArticle[] }).data;
}
