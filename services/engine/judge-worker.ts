import { findTold, maskPersonalData } from "./domain/judges/personal-data/personal-data.js";
import { shippedJudges } from "./domain/judges/shipped.js";
import { shippedTextModel } from "./domain/models/shipped.js";
import type { TextTask } from "./offload.js";

const judges = new Map(shippedJudges().map((judge) => [judge.name, judge]));

/** Does one task on a thread of its own. Throws when no judge has the name. */
export default function work(task: TextTask): unknown {
  if (task.kind === "mask") return maskPersonalData(task.text);
  if (task.kind === "tell") return findTold(task.text);
  if (task.kind === "read") return shippedTextModel().read(task.text);
  const judge = judges.get(task.judge);
  if (!judge) throw new Error(`no judge is called ${task.judge}`);
  return judge.judge(task.text, task.scope);
}
