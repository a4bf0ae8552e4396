import type { Scope } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import type { Judge, Judgement } from "./judge.js";

interface Remembered {
  readonly text: string;
  readonly scope: Scope;
  readonly judgement: Judgement;
}

const remembered = new WeakMap<Judge, WeakMap<object, Remembered>>();

/**
 * Judges that look once at a text that stands in `origin`, such as a passage
 * of an index, as long as they find nothing in it. What is remembered goes
 * with the passage and with the judge, is compared with the whole text, and is
 * of no use to whoever has the same text from elsewhere.
 */
export function rememberHarmless(judges: readonly Judge[], origin: object): Judge[] {
  return judges.map((judge) => ({
    ...judge,
    judge(text, scope, signal) {
      const known = remembered.get(judge)?.get(origin);
      if (known?.text === text && known.scope === scope) return known.judgement;
      const remember = (judgement: Judgement) => {
        if (judgement.violations.length > 0) return judgement;
        const of = remembered.get(judge) ?? new WeakMap<object, Remembered>();
        remembered.set(judge, of.set(origin, { text, scope, judgement }));
        return judgement;
      };
      const judged = judge.judge(text, scope, signal);
      return judged instanceof Promise ? judged.then(remember) : remember(judged);
    },
  }));
}
