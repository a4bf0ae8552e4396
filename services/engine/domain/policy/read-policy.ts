import { create, type DescField, type DescMessage, type Message, ScalarType } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator } from "@bufbuild/protovalidate";
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { type Policy, PolicySchema } from "#gen/ts/consciousness/policy/v1/policy_pb.js";
import { enumNames } from "../../../kit/enum-names.js";

/** A document that is no policy. */
export class PolicyProblem extends Error {
  override readonly name = "PolicyProblem";

  constructor(
    /** From 1. */
    readonly line: number,
    readonly problem: string,
  ) {
    super(`line ${line}: ${problem}`);
  }
}

/** A policy, and on which lines its fields stand, by path such as `rules[0].id`. */
export interface PolicyDocument {
  readonly policy: Policy;
  lineOf(path: string): number;
}

const longest = 65_536;
const validator = createValidator();

/**
 * Reads a policy in YAML 1.2, as the contract describes it. Throws PolicyProblem
 * for what is no YAML, has unknown fields or values, or breaks a rule of the
 * contract.
 */
export function readPolicy(text: string): PolicyDocument {
  if (text.length > longest) throw new PolicyProblem(1, `it is longer than ${longest} characters`);
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, version: "1.2", uniqueKeys: true });
  const [broken] = document.errors;
  if (broken) throw new PolicyProblem(counter.linePos(broken.pos[0]).line, "it is no YAML");
  const lines = new Map<string, number>();
  const reader = new NodeReader(counter, lines);
  const policy = document.contents
    ? reader.message(document.contents, PolicySchema, "")
    : create(PolicySchema);
  const lineOf = (path: string) => lineAbove(lines, path);
  const checked = validator.validate(PolicySchema, policy as Policy);
  if (checked.kind === "error") throw checked.error;
  const [violation] = checked.kind === "invalid" ? checked.violations : [];
  if (violation) {
    const path = pathToString(violation.field);
    throw new PolicyProblem(lineOf(path), `${path} ${violation.message}`);
  }
  return { policy: policy as Policy, lineOf };
}

/** The line of a field, or of what it is part of. */
function lineAbove(lines: ReadonlyMap<string, number>, path: string): number {
  const known = lines.get(path);
  if (known !== undefined) return known;
  const end = Math.max(path.lastIndexOf("."), path.lastIndexOf("["));
  return end <= 0 ? 1 : lineAbove(lines, path.slice(0, end));
}

/** Reads YAML's nodes along a message's descriptor. */
class NodeReader {
  constructor(
    private readonly counter: LineCounter,
    private readonly lines: Map<string, number>,
  ) {}

  message(node: unknown, desc: DescMessage, path: string): Message {
    if (!isMap(node)) return this.refuse(node, `${path || "a policy"} has to be a mapping`);
    const init: Record<string, unknown> = {};
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? String(key.value) : "";
      const field = desc.fields.find((one) => one.name === name);
      if (!field) return this.refuse(key, `${path || "a policy"} has no field ${name.slice(0, 64)}`);
      const at = path === "" ? name : `${path}.${name}`;
      this.lines.set(at, this.line(key));
      init[field.localName] = this.field(value, field, at);
    }
    return create(desc, init);
  }

  private field(node: unknown, field: DescField, path: string): unknown {
    if (field.fieldKind !== "list") return this.value(node, field, path);
    if (!isSeq(node)) return this.refuse(node, `${path} has to be a list`);
    return node.items.map((item, at) => {
      this.lines.set(`${path}[${at}]`, this.line(item));
      return this.value(item, field, `${path}[${at}]`);
    });
  }

  private value(node: unknown, field: DescField, path: string): unknown {
    if (field.message) return this.message(node, field.message, path);
    const given = isScalar(node) ? node.value : undefined;
    if (field.enum) {
      const names = enumNames(field.enum);
      const value = typeof given === "string" ? names.valueOf(given) : undefined;
      const known = field.enum.values.filter(({ number }) => number !== 0).map(({ localName }) => localName);
      return value ?? this.refuse(node, `${path} has to be one of ${known.join(", ")}`);
    }
    if (field.fieldKind === "scalar" && field.scalar === ScalarType.BOOL) {
      return typeof given === "boolean" ? given : this.refuse(node, `${path} has to be true or false`);
    }
    return typeof given === "string" ? given : this.refuse(node, `${path} has to be a text`);
  }

  private line(node: unknown): number {
    const range = (node as Node | null)?.range;
    return range ? this.counter.linePos(range[0]).line : 1;
  }

  private refuse(node: unknown, problem: string): never {
    throw new PolicyProblem(this.line(node), problem);
  }
}
