import { reflect as reflectOn } from "../reflection/reflect.js";
import type { StageWork } from "../stage.js";

/** Criticises the answer and revises it where that improves it. */
export const reflect: StageWork = (run) => {
  const content = run.draft ?? "";
  const { question, evidence, idf } = run;
  const most = run.request.options.maxReflectionDepth;
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
