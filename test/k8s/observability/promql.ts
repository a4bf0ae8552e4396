/** A metric that an expression selects, and the labels by which it does. */
export interface Selected {
  readonly metric: string;
  readonly labels: readonly string[];
}

const words = new Set([
  "and",
  "or",
  "unless",
  "by",
  "without",
  "on",
  "ignoring",
  "group_left",
  "group_right",
  "offset",
  "bool",
]);

/**
 * The selectors of a PromQL expression of ours. Promtool knows whether it is
 * PromQL; this finds which names it asks for.
 */
export function selectorsOf(expr: string): Selected[] {
  const quoted = expr.replace(/"(?:[^"\\]|\\.)*"/g, '""');
  const bare = quoted
    .replace(/\[[^\]]*\]/g, " ")
    .replace(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, " ")
    .replace(/\boffset\s+\w+/g, " ");
  return [...bare.matchAll(/([a-zA-Z_][\w:]*)\s*(\(|\{[^}]*\})?/g)]
    .filter(([, name = "", after]) => after !== "(" && !words.has(name))
    .map(([, metric = "", matchers = ""]) => ({
      metric,
      labels: [...matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = ""]) => label),
    }));
}

/** The labels that an expression groups or joins by. */
export function groupedLabels(expr: string): string[] {
  const lists = [...expr.matchAll(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g)];
  return lists
    .flatMap(([, list = ""]) => list.split(",").map((label) => label.trim()))
    .filter((label) => label !== "");
}
