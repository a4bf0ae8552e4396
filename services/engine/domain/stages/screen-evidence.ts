import { Scope } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import type { EvidencePassage } from "../compose/composer.js";
import { rememberHarmless } from "../judges/remember-harmless.js";
import { requireChecked } from "../policy/checked.js";
import { escapeTokens } from "../pseudonyms/token.js";
import type { Run } from "../run.js";
import type { StageWork } from "../stage.js";
import { judgeInRun, ruleOnMasked } from "./judge-in-run.js";
import { findingsOf, personalDataViolations } from "./mask.js";

/** Masks personal data in what was found, and leaves out passages that instruct instead of inform. */
export const screenEvidence: StageWork = async (run, deps, signal) => {
  const { maskPersonalData } = deps;
  const of = { scope: Scope.EVIDENCE, stage: "screen_evidence" } as const;
  const found = run.evidence;
  const kept: Omit<EvidencePassage, "number">[] = [];
  // Until every passage has been judged none is used.
  run.evidence = [];
  for (const { number, origin, ...passage } of found) {
    const title = await maskPersonalData(received(passage.title, passage, run));
    const text = await maskPersonalData(received(passage.text, passage, run));
    // The title stands behind, so that spans are places in the passage.
    const judged = await judgeInRun(
      { ...of, text: `${text.text}\n\n${title.text}` },
      run,
      origin ? { ...deps, judges: rememberHarmless(deps.judges, origin) } : deps,
      signal,
    );
    run.violations.push(...judged.violations);
    requireChecked(judged);
    if (judged.violations.length > 0) {
      run.leftOut.push({ ...passage, number, title: title.text, text: text.text });
      continue;
    }
    run.personalData.push(...findingsOf([...title.findings, ...text.findings], Scope.EVIDENCE));
    ruleOnMasked(text.text, personalDataViolations(text, Scope.EVIDENCE), Scope.EVIDENCE, run);
    kept.push({ ...passage, title: title.text, text: text.text });
  }
  run.evidence = kept.map((passage, at) => ({ ...passage, number: at + 1 }));
  const dropped = found.length - kept.length;
  return {
    saw: `${found.length} passages`,
    concluded: dropped === 0 ? "all of them inform" : `${dropped} left out, since they instruct the reader`,
  };
};

/** Knowledge holds no token of the conversation, whatever it looks like; entries of the context may. */
function received(text: string, { source }: Pick<EvidencePassage, "source">, { request }: Run): string {
  return request.pseudonyms && source !== "context" ? escapeTokens(text) : text;
}
