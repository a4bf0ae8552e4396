import { decode } from "./path.js";
import { type Segment, type Template, templateShape } from "./template.js";

/** A template that answers one HTTP method, `*` for all. */
export interface RouterEntry<T> {
  readonly httpMethod: string;
  readonly template: Template;
  readonly value: T;
}

/** What a router says of a method and a path. */
export type Match<T> =
  | { readonly kind: "found"; readonly value: T; readonly segments: readonly string[] }
  /** The path has routes, for these methods only. */
  | { readonly kind: "method"; readonly allow: readonly string[] }
  | { readonly kind: "none" };

/** Finds the route of a raw path. */
export interface Router<T> {
  /**
   * Matches a raw path, whose captured segments stay raw. Throws URL_MALFORMED
   * when an escape is broken. A specific method wins over `*`.
   */
  match(httpMethod: string, path: string): Match<T>;
}

interface Node<T> {
  readonly literals: Map<string, Node<T>>;
  single: Node<T> | undefined;
  rest: Node<T> | undefined;
  /** By verb, empty for none. */
  readonly leaves: Map<string, { readonly value: T }>;
}

interface Tree<T> {
  /** Routes without a wildcard, by raw path: no walk needed. */
  readonly fixed: Map<string, T>;
  readonly root: Node<T>;
}

interface Walk {
  readonly decoded: readonly string[];
  readonly verb: string;
}

const anyMethod = "*";

/**
 * A router over templates: literal before `*` before `**`, segment by segment
 * and independent of order, with backtracking, for each HTTP method by itself.
 * A walk visits each node of a tree at most once per `**`, so that no path
 * makes it slow.
 */
export function createRouter<T>(entries: readonly RouterEntry<T>[]): Router<T> {
  const trees = plantTrees(entries);
  const methods = [...trees.keys()].filter((method) => method !== anyMethod);
  const treeOf = (method: string) => trees.get(method) ?? trees.get(anyMethod);

  const otherMethods = (walk: Walk): string[] =>
    methods.filter((method) => find(trees.get(method)?.root, walk, 0) !== undefined);

  return {
    match(httpMethod, path) {
      const tree = treeOf(httpMethod);
      const fixed = tree?.fixed.get(path);
      if (fixed !== undefined) return { kind: "found", value: fixed, segments: [] };
      if (!path.startsWith("/")) return { kind: "none" };
      for (const { raw, walk } of readings(path)) {
        const leaf = find(tree?.root, walk, 0);
        if (leaf) return { kind: "found", value: leaf.value, segments: raw };
        const allow = otherMethods(walk);
        if (allow.length > 0) return { kind: "method", allow };
      }
      return { kind: "none" };
    },
  };
}

/** A path with a colon in its last segment may end in a verb; when no route has it, the colon is data. */
function* readings(path: string): Generator<{ raw: string[]; walk: Walk }> {
  const raw = path.slice(1).split("/");
  const last = raw[raw.length - 1] ?? "";
  const decoded = path.includes("%") ? raw.map(decode) : raw;
  const colon = last.lastIndexOf(":");
  if (colon >= 0 && colon < last.length - 1) {
    const stripped = last.slice(0, colon);
    yield {
      raw: raw.with(-1, stripped),
      walk: { decoded: decoded.with(-1, decode(stripped)), verb: decode(last.slice(colon + 1)) },
    };
  }
  yield { raw, walk: { decoded, verb: "" } };
}

function find<T>(node: Node<T> | undefined, walk: Walk, at: number): { readonly value: T } | undefined {
  if (!node) return undefined;
  const { decoded, verb } = walk;
  if (at === decoded.length) return node.leaves.get(verb) ?? node.rest?.leaves.get(verb);
  const segment = decoded[at] as string;
  return (
    find(node.literals.get(segment), walk, at + 1) ??
    (segment === "" ? undefined : find(node.single, walk, at + 1)) ??
    findRest(node.rest, walk, at)
  );
}

/** `**` takes as little as a longer route leaves it: `a/**` with a literal behind it wins over one without. */
function findRest<T>(node: Node<T> | undefined, walk: Walk, at: number): { readonly value: T } | undefined {
  if (!node) return undefined;
  const from = Math.max(at, walk.decoded.length - depth(node));
  for (let next = from; next <= walk.decoded.length; next++) {
    const leaf = find(node, walk, next);
    if (leaf) return leaf;
  }
  return undefined;
}

const depths = new WeakMap<object, number>();

/** The most literals that follow below a `**`. */
function depth(node: Node<unknown>): number {
  let known = depths.get(node);
  if (known === undefined) {
    known = Math.max(0, ...[...node.literals.values()].map((child) => 1 + depth(child)));
    depths.set(node, known);
  }
  return known;
}

function plantTrees<T>(entries: readonly RouterEntry<T>[]): Map<string, Tree<T>> {
  const trees = new Map<string, Tree<T>>();
  const general = entries.filter(({ httpMethod }) => httpMethod === anyMethod);
  for (const method of new Set(entries.map(({ httpMethod }) => httpMethod))) {
    const own = entries.filter(({ httpMethod }) => httpMethod === method);
    // Specific methods come last and so replace `*` at the same leaf.
    trees.set(method, plantTree(method === anyMethod ? own : [...general, ...own]));
  }
  return trees;
}

function plantTree<T>(entries: readonly RouterEntry<T>[]): Tree<T> {
  const tree: Tree<T> = { fixed: new Map(), root: newNode() };
  for (const { template, value } of entries) {
    const leaf = template.segments.reduce(grow, tree.root as Node<T>);
    leaf.leaves.set(template.verb, { value });
    if (template.segments.every(({ kind }) => kind === "literal")) {
      tree.fixed.set(templateShape(template), value);
    }
  }
  return tree;
}

function grow<T>(node: Node<T>, segment: Segment): Node<T> {
  if (segment.kind === "*") {
    node.single ??= newNode();
    return node.single;
  }
  if (segment.kind === "**") {
    node.rest ??= newNode();
    return node.rest;
  }
  const child = node.literals.get(segment.text) ?? newNode<T>();
  node.literals.set(segment.text, child);
  return child;
}

function newNode<T>(): Node<T> {
  return { literals: new Map(), single: undefined, rest: undefined, leaves: new Map() };
}
