import type { parse } from "@bufbuild/cel";
import { headNames, sampleFacts } from "./facts.js";

type Expr = NonNullable<ReturnType<typeof parse>["expr"]>;

/** What a condition looks at. */
export interface ConditionUse {
  /** Names of facts. */
  readonly facts: ReadonlySet<string>;
  /** Constant patterns of RE2. */
  readonly patterns: readonly string[];
}

const operators = ["&&", "||", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%"];
const functions = new Set([
  ...operators.map((operator) => `_${operator}_`),
  "!_",
  "-_",
  "_[_]",
  "@in",
  "_in_",
  "_?_:_",
  "@not_strictly_false",
  "contains",
  "startsWith",
  "endsWith",
  "size",
  "matches",
]);
const lists: ReadonlySet<string> = new Set(["hits", "personal_data", "context_keys"]);
const mostPatterns = 4;

/** Where in a condition an expression stands. */
interface Place {
  /** Names that comprehensions bind. */
  readonly bound: ReadonlySet<string>;
  readonly inComprehension: boolean;
}

/** Looks at a condition from the top down. Throws an error that says what it may not do. */
export function inspectCondition(expr: Expr): ConditionUse {
  const facts = new Set<string>();
  const patterns: string[] = [];
  visit(expr, { bound: new Set(), inComprehension: false }, facts, patterns);
  if (patterns.length > mostPatterns) throw new Error(`it has more than ${mostPatterns} patterns`);
  return { facts, patterns };
}

function visit(expr: Expr | undefined, place: Place, facts: Set<string>, patterns: string[]): void {
  const on = (part: Expr | undefined, at = place) => visit(part, at, facts, patterns);
  const kind = expr?.exprKind;
  switch (kind?.case) {
    case undefined:
    case "constExpr":
      return;
    case "identExpr":
      useName(kind.value.name, place, facts);
      return;
    case "listExpr":
      for (const element of kind.value.elements) on(element);
      return;
    case "callExpr": {
      const { function: name, target, args } = kind.value;
      if (!functions.has(name)) throw new Error(`it may not use ${name}`);
      if (name === "matches") patterns.push(constantText(args.at(-1), "the pattern of matches"));
      if (name === "_[_]" && isName(args[0], "heads")) useHead(args[1]);
      for (const part of [target, ...args]) on(part);
      return;
    }
    case "comprehensionExpr": {
      if (place.inComprehension) throw new Error("it has a comprehension inside another");
      const { iterRange, accuInit, loopCondition, loopStep, result, iterVar, iterVar2, accuVar } = kind.value;
      if (![...lists].some((list) => isName(iterRange, list))) {
        throw new Error(`a comprehension may go over ${[...lists].join(", ")} only`);
      }
      facts.add(nameOf(iterRange));
      const inside = { bound: new Set([iterVar, iterVar2, accuVar]), inComprehension: true };
      for (const part of [accuInit, loopCondition, loopStep, result]) on(part, inside);
      return;
    }
    default:
      throw new Error(`it may not use ${kind?.case === "selectExpr" ? "fields" : "structures"}`);
  }
}

function useName(name: string, { bound, inComprehension }: Place, facts: Set<string>): void {
  if (bound.has(name)) return;
  if (!Object.hasOwn(sampleFacts, name)) throw new Error(`there is no fact ${name}`);
  if (inComprehension && name === "text") throw new Error("a comprehension may not look at text");
  facts.add(name);
}

function useHead(key: Expr | undefined): void {
  const name = constantText(key, "the name of a head");
  if (!headNames.includes(name)) throw new Error(`there is no head ${name}`);
}

function constantText(expr: Expr | undefined, what: string): string {
  const kind = expr?.exprKind;
  const constant = kind?.case === "constExpr" ? kind.value.constantKind : undefined;
  if (constant?.case !== "stringValue") throw new Error(`${what} has to be a constant`);
  return constant.value;
}

function isName(expr: Expr | undefined, name: string): boolean {
  return nameOf(expr) === name;
}

function nameOf(expr: Expr | undefined): string {
  return expr?.exprKind.case === "identExpr" ? expr.exprKind.value.name : "";
}
