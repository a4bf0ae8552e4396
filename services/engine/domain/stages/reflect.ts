import { ReflectionStop } from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import { reflect as reflectOn } from "../reflection/reflect.js";
import type { Run } from "../run.js";
import type { StageWork } from "../stage.js";

/** What need not stand on evidence, or has left in part, is criticised and not revised; a tool call alone is no text. */
function depthOf({ request, toolCalls, draft }: Run): number {
  const most = request.options.maxReflectionDepth;
  if (toolCalls.length > 0 && draft === "") return 0;
  return request.responder.grounded && !request.release ? most : Math.min(most, 1);
}

const whyStopped: Readonly<Record<ReflectionStop, string>> = {
  [ReflectionStop.UNSPECIFIED]: "it did not run",
  [ReflectionStop.NOTHING_TO_CRITICISE]: "no fault is left",
  [ReflectionStop.NOTHING_IMPROVED]: "faults are left that no change improves",
  [ReflectionStop.DEPTH_REACHED]: "it may go no deeper",
  [ReflectionStop.NO_ANSWER]: "there is no answer",
};

/** Criticises the answer and revises it where that improves it. */
export const reflect: StageWork = (run) => {
  const content = run.draft ?? "";
  const { question, evidence, idf } = run;
  const most = depthOf(run);
  const reflection = reflectOn({ question, content, evidence, idf }, most);
  run.draft = reflection.content;
  run.passes = reflection.passes;
  run.depth = reflection.depth;
  run.reflectionStop = content === "" ? ReflectionStop.NO_ANSWER : reflection.stop;
  const changes = reflection.passes.filter(({ change }) => change !== "").length;
  const concluded = changes === 0 ? "the answer stays as it is" : `${changes} changes that improve it`;
  return {
    saw: `${reflection.passes.length} critiques, depth ${reflection.depth} of at most ${most}`,
    concluded: `${concluded}; ${whyStopped[run.reflectionStop]}`,
  };
};
