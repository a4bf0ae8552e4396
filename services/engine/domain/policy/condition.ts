import { CelScalar, celEnv, isCelError, listType, mapType, parse, plan } from "@bufbuild/cel";
import { RE2JS } from "re2js";
import { type ConditionUse, inspectCondition } from "./condition-use.js";
import { type ConditionFacts, sampleFacts } from "./facts.js";

/** A condition that is ready to be looked at. */
export interface Condition extends ConditionUse {
  /** Whether it holds. Throws when it cannot be told, such as for want of a head. */
  holds(facts: ConditionFacts): boolean;
}

const strings = listType(CelScalar.STRING);

const variables = {
  text: CelScalar.STRING,
  length: CelScalar.INT,
  covered: CelScalar.BOOL,
  scope: CelScalar.STRING,
  hits: strings,
  heads: mapType(CelScalar.STRING, CelScalar.DOUBLE),
  personal_data: strings,
  agent_id: CelScalar.STRING,
  context_keys: strings,
  ethical_strictness: CelScalar.DOUBLE,
} as const satisfies Record<keyof ConditionFacts, unknown>;

/** Instructions of a pattern's program; its time is linear in the text times this. */
const longestProgram = 400;

/**
 * Compiles a condition in CEL. Throws an error whose message says what is wrong
 * with one that is no boolean, asks for facts that there are not, or is beyond
 * the bounds that the contract states.
 */
export function compileCondition(source: string): Condition {
  const { expr } = parsed(source);
  const use = inspectCondition(expr);
  const patterns = new Map(use.patterns.map((pattern) => [pattern, compiledPattern(pattern)]));
  // No pattern is compiled while a text waits: all of them are constants.
  const re2 = { compile: (pattern: string) => patterns.get(pattern) ?? compiledPattern(pattern) };
  // Each value that is bound costs time, so only those that are asked for are.
  const names = [...use.facts] as (keyof ConditionFacts)[];
  const asked = Object.fromEntries(names.map((name) => [name, variables[name]]));
  const evaluate = plan(celEnv({ variables: asked, re2 }), expr);
  const holds = (facts: ConditionFacts): boolean => {
    const result = evaluate(Object.fromEntries(names.map((name) => [name, facts[name]])) as never);
    if (isCelError(result)) throw new Error(result.message);
    if (typeof result !== "boolean") throw new Error("the condition is neither true nor false");
    return result;
  };
  holds(sampleFacts);
  return { ...use, holds };
}

function parsed(source: string) {
  try {
    return parse(source);
  } catch (error) {
    throw new Error(`it is no CEL: ${error instanceof Error ? error.message : "unreadable"}`);
  }
}

function compiledPattern(pattern: string): { test(text: string): boolean } {
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(pattern);
  } catch {
    throw new Error("a pattern is none of RE2");
  }
  if (compiled.programSize() > longestProgram) throw new Error("a pattern is too long");
  return { test: (text) => compiled.matcher(text).find() };
}
