import { reflect as reflectOn } from "../reflection/reflect.js";
import type { Run } from "../run.js";
import type { StageWork } from "../stage.js";

/** What need not stand on evidence, or has left in part, is criticised and not revised; a tool call alone is no text. */
function depthOf({ request, toolCalls, draft }: Run): number {
  const most = request.options.maxReflectionDepth;
  if (toolCalls.length > 0 && draft === "") return 0;
  return request.responder.grounded && !request.release ? most : Math.min(most, 1);
}

/** Criticises the answer and revises it where that improves it. */
export const reflect: StageWork = (run) => {
  const content = run.draft ?? "";
  const { question, evidence, idf } = run;
  const most = depthOf(run);
  const reflection = reflectOn({ question, content, evidence, idf }, most);
  run.draft = reflection.content;
  run.passes = reflection.passes;
  run.depth = reflection.depth;
  const changes = reflection.passes.filter(({ change }) => change !== "").length;
  return {
    saw: `${reflection.passes.length} critiques, depth ${reflection.depth} of at most ${most}`,
    concluded: changes === 0 ? "the answer stays as it is" : `${changes} changes that improve it`,
  };
};
