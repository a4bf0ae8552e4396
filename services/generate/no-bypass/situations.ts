/** A request, and what a provider and a check make of it. */
export interface Situation {
  readonly request: string;
  readonly provider: string;
  readonly checks: string;
  readonly verdict: "ALLOWED" | "MODIFIED" | "BLOCKED" | "ABSTAINED" | "CHECK_UNAVAILABLE";
  /** What is blocked; absent where nothing is. */
  readonly blocks?: "input" | "answer";
}

const fine = { request: "harmless", provider: "answers", checks: "fine" } as const;
const withheld = { ...fine, verdict: "ABSTAINED" } as const;
const unchecked = { ...fine, verdict: "CHECK_UNAVAILABLE" } as const;
const doubted = { ...fine, request: "one that a head warns of" } as const;
const unopined = { ...unchecked, ...doubted, provider: "is not asked" } as const;

const known = "is not asked: the agent gives an answer again that was ALLOWED before";

/** In each of them every route gives the same verdict. */
export const situations = {
  injection: {
    ...fine,
    request: "an injection",
    provider: "is not asked",
    verdict: "BLOCKED",
    blocks: "input",
  },
  harmfulAnswer: { ...fine, provider: "answers with harm", verdict: "BLOCKED", blocks: "answer" },
  harmfulEnd: {
    ...fine,
    provider: "answers with harm after 600 harmless characters",
    verdict: "BLOCKED",
    blocks: "answer",
  },
  claimsSafe: {
    ...fine,
    provider: "answers with harm and says that it was judged safe",
    verdict: "BLOCKED",
    blocks: "answer",
  },
  judgedHarmfulInput: {
    ...doubted,
    provider: "is not asked",
    checks: "the LLM judge finds harm",
    verdict: "BLOCKED",
    blocks: "input",
  },
  judgedHarmfulAnswer: {
    ...fine,
    provider: "answers with what a head warns of",
    checks: "the LLM judge finds harm",
    verdict: "BLOCKED",
    blocks: "answer",
  },
  harmless: { ...fine, verdict: "ALLOWED" },
  judgedHarmless: { ...doubted, checks: "the LLM judge finds no harm", verdict: "ALLOWED" },
  known: { ...fine, provider: known, verdict: "ALLOWED" },
  personalData: { ...fine, provider: "answers with a card number", verdict: "MODIFIED" },
  revised: {
    ...fine,
    request: "one whose answer has to stand on evidence",
    provider: "answers with what the evidence does not say",
    verdict: "MODIFIED",
  },
  unsupported: {
    ...withheld,
    request: "one whose answer has to stand on evidence",
    provider: "answers where there is no evidence",
  },
  slow: { ...withheld, provider: "is slow: says nothing in its time" },
  stalling: { ...withheld, provider: "begins its answer and never goes on" },
  failing: { ...withheld, provider: "fails with 500" },
  cut: { ...withheld, provider: "breaks off in the middle" },
  endingEarly: { ...withheld, provider: "ends in order before its answer does" },
  lying: { ...withheld, provider: "lies: sends a page as JSON" },
  page: { ...withheld, provider: "sends a page" },
  huge: { ...withheld, provider: "sends 10 MB" },
  inputRuleClosed: {
    ...unchecked,
    provider: "is not asked",
    checks: "a rule on the input fails, failure mode CLOSED",
  },
  answerRuleClosed: { ...unchecked, checks: "a rule on the answer fails, failure mode CLOSED" },
  answerRuleOpen: { ...fine, checks: "a rule on the answer fails, failure mode OPEN", verdict: "ALLOWED" },
  inputJudgeFails: { ...unchecked, provider: "is not asked", checks: "a judge fails on the input" },
  answerJudgeFails: { ...unchecked, checks: "a judge fails on the answer" },
  knownAnswerJudgeFails: { ...unchecked, provider: known, checks: "a judge fails on the answer" },
  inputJudgeHangs: { ...unchecked, provider: "is not asked", checks: "a judge hangs on the input" },
  answerJudgeHangs: { ...unchecked, checks: "a judge hangs on the answer" },
  inputMaskHangs: { ...unchecked, provider: "is not asked", checks: "masking of the input hangs" },
  answerMaskFails: { ...unchecked, checks: "masking of the answer fails" },
  llmJudgeFails: { ...doubted, checks: "the LLM judge fails, failure mode OPEN", verdict: "ALLOWED" },
  llmJudgeFailsClosed: { ...unopined, checks: "the LLM judge fails, failure mode CLOSED" },
  llmJudgeSilent: { ...unopined, checks: "the LLM judge says nothing in its time, failure mode CLOSED" },
  llmJudgeSteered: {
    ...unopined,
    checks: "the LLM judge repeats what the request has it say, failure mode CLOSED",
  },
} as const satisfies Readonly<Record<string, Situation>>;

/** The name of a situation. */
export type SituationName = keyof typeof situations;
