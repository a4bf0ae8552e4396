import { Scope } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import type { EvidencePassage } from "../compose/composer.js";
import { judgeAll } from "../judges/judge-all.js";
import type { StageWork } from "../stage.js";
import { findingsOf, personalDataViolations } from "./mask.js";

/** Masks personal data in what was found, and leaves out passages that instruct instead of inform. */
export const screenEvidence: StageWork = async (run, { judges, maskPersonalData }, signal) => {
  const found = run.evidence;
  const kept: Omit<EvidencePassage, "number">[] = [];
  // Until every passage has been judged none is used.
  run.evidence = [];
  for (const { number: _, ...passage } of found) {
    const title = await maskPersonalData(passage.title);
    const text = await maskPersonalData(passage.text);
    // The title stands behind, so that spans are places in the passage.
    const judged = await judgeAll(judges, `${text.text}\n\n${title.text}`, Scope.EVIDENCE, signal);
    run.violations.push(...judged.violations);
    if (judged.violations.length > 0) continue;
    run.personalData.push(...findingsOf([...title.findings, ...text.findings], Scope.EVIDENCE));
    run.violations.push(...personalDataViolations(text, Scope.EVIDENCE));
    kept.push({ ...passage, title: title.text, text: text.text });
  }
  run.evidence = kept.map((passage, at) => ({ ...passage, number: at + 1 }));
  const dropped = found.length - kept.length;
  return {
    saw: `${found.length} passages`,
    concluded: dropped === 0 ? "all of them inform" : `${dropped} left out, since they instruct the reader`,
  };
};
