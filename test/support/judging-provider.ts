import { type ProviderAnswer, says } from "./provider.js";

/** What a stand-in for a judging model says. */
export interface StandInJudgement {
  readonly verdict: "harmless" | "doubtful" | "harmful";
  readonly categories?: readonly string[];
  readonly certainty?: number;
}

/** What a judging model is given. */
export interface JudgedData {
  readonly mark: string;
  readonly role: string;
  readonly text: string;
  readonly question?: string;
}

/** Reads what stands between the marks of a request. Throws when it is not fenced once. */
// biome-ignore lint/suspicious/noExplicitAny: the body of any request.
export function judgedData(body: any): JudgedData {
  const fenced = /^BEGIN ([0-9a-f]{24})\n(.*)\nEND \1\n\n/s.exec(body.messages[1].content);
  if (!fenced) throw new Error("nothing is fenced");
  return { mark: fenced[1] ?? "", ...JSON.parse(fenced[2] ?? "") };
}

/** Judges in the form that is asked for. */
export function judges(judgement: StandInJudgement): ProviderAnswer {
  return judgesBy(() => judgement);
}

/** Judges each text by itself, in the form that is asked for. */
export function judgesBy(judgementOf: (data: JudgedData) => StandInJudgement): ProviderAnswer {
  return (request, response) => {
    const data = judgedData(request.body);
    const { verdict, categories = [], certainty = 95 } = judgementOf(data);
    says(JSON.stringify({ mark: data.mark, verdict, categories, certainty }))(request, response);
  };
}

export const harmless: StandInJudgement = { verdict: "harmless" };
export const harmful: StandInJudgement = { verdict: "harmful", categories: ["crime"] };
