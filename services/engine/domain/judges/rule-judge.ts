import { create } from "@bufbuild/protobuf";
import {
  Basis,
  type Scope,
  type Violation,
  ViolationSchema,
} from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { languageCoverage } from "../text/language.js";
import { canonicalView, foldedView, type TextSpan } from "../text/normalise.js";
import { encodedWindows } from "./encoded-windows.js";
import type { Judge } from "./judge.js";
import { policyDigest } from "./policy-digest.js";
import type { Rule } from "./rule.js";
import { createRuleMatcher } from "./rule-matcher.js";
import { encodedRule } from "./rules/injection.js";

const mostSpans = 8;

interface Hit {
  readonly rule: Rule;
  readonly span: TextSpan;
}

/**
 * Judges by rules: the text itself in folded form, and what is encoded in it.
 * A hit inside an encoded stretch counts for its rule and as a disguise.
 */
export function createRuleJudge(rules: readonly Rule[]): Judge {
  const match = createRuleMatcher(rules);

  const hitsOf = (text: string, scope: Scope): Hit[] => {
    const view = foldedView(text);
    return match(view.text, scope).map(({ rule, span }) => ({ rule, span: view.original(span) }));
  };

  const encodedHits = (text: string, scope: Scope): Hit[] => {
    const view = canonicalView(text);
    return encodedWindows(view.text).flatMap(({ span, decoded }) => {
      const place = view.original(span);
      const inside = hitsOf(decoded, scope).map(({ rule }) => ({ rule, span: place }));
      return inside.length > 0 ? [...inside, { rule: encodedRule, span: place }] : [];
    });
  };

  return {
    name: "rules",
    digest: policyDigest(rules),
    detectors: rules.filter(({ patterns }) => patterns.length > 0).map(({ id }) => id),
    judge(text, scope) {
      const violations = violationsOf([...hitsOf(text, scope), ...encodedHits(text, scope)], scope);
      const coverage = languageCoverage(text);
      return coverage.covered ? { violations } : { violations, uncovered: coverage.reason };
    },
  };
}

function violationsOf(hits: readonly Hit[], scope: Scope): Violation[] {
  const byRule = new Map<Rule, TextSpan[]>();
  for (const { rule, span } of hits) byRule.set(rule, [...(byRule.get(rule) ?? []), span]);
  return [...byRule]
    .map(([rule, spans]) => violation(rule, scope, distinct(spans)))
    .sort((a, b) => b.severity - a.severity || a.ruleId.localeCompare(b.ruleId, "en"));
}

/** A violation of a rule in a text. */
export function violation(rule: Rule, scope: Scope, spans: readonly TextSpan[]): Violation {
  const { id: ruleId, category, severity, message } = rule;
  return create(ViolationSchema, {
    ruleId,
    category,
    severity,
    scope,
    message,
    spans: spans.slice(0, mostSpans).map(({ start, end }) => ({ start, end })),
    basis: Basis.RULES,
  });
}

function distinct(spans: readonly TextSpan[]): TextSpan[] {
  const seen = new Map(spans.map((span) => [`${span.start}:${span.end}`, span]));
  return [...seen.values()].sort((a, b) => a.start - b.start || a.end - b.end);
}
