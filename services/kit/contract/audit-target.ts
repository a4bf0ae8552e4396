import { type DescField, type DescMessage, type DescMethod, getOption, ScalarType } from "@bufbuild/protobuf";
import { AuditClass, DataClass, type MethodPolicy } from "#gen/ts/consciousness/contract/v1/contract_pb.js";
import { http } from "#gen/ts/google/api/annotations_pb.js";
import { dataClassOf } from "./data-class.js";

/** Where a call's audit record finds what the call acts on. */
export interface AuditTarget {
  /** Name of the field in the contract. */
  readonly name: string;
  /** What the answer names, else what the request names; empty for nothing. Undefined stands for no answer. */
  read(request: unknown, answer: unknown): string;
  /** Whether it is CONFIDENTIAL, so that the record keeps no more than a keyed hash of it. */
  readonly confidential: boolean;
}

type Read = (message: unknown) => string;

/** How the contract names what a method acts on; undefined where it does not, or wrongly: see `auditProblems`. */
export function auditTargetOf(method: DescMethod, policy: MethodPolicy): AuditTarget | undefined {
  if (policy.auditTarget === "") return undefined;
  const [asked, answered] = leaves(method, policy.auditTarget);
  if (!asked && !answered) return undefined;
  const [fromRequest, fromAnswer] = [reader(asked), reader(answered)];
  const classes = [asked, answered].map((path) => path?.at(-1)).map((leaf) => leaf && dataClassOf(leaf));
  return {
    name: policy.auditTarget.split(".").at(-1) ?? "",
    read: (request, answer) => fromAnswer(answer) || fromRequest(request),
    confidential: classes.includes(DataClass.CONFIDENTIAL),
  };
}

/** What is wrong with what a method says of its audit record. */
export function auditProblems(method: DescMethod, policy: MethodPolicy): string[] {
  const { audit, auditTarget: path } = policy;
  if (path === "") {
    return audit === AuditClass.CHANGE && hasPathParameter(method)
      ? ["changes what its REST path names, but has no audit_target"]
      : [];
  }
  const found = leaves(method, path).filter((fields) => fields !== undefined);
  if (found.length === 0) return [`has the audit_target ${path}, which is no field of a text or an enum`];
  const secret = found.some((fields) => dataClassOf(fields.at(-1)!) === DataClass.RESTRICTED);
  return secret ? [`has the audit_target ${path}, which is RESTRICTED`] : [];
}

/** The fields of a path in the request and in the answer. */
function leaves(method: DescMethod, path: string) {
  return [method.input, method.output].map((message) => fieldsAt(message, path.split("."))) as [
    DescField[] | undefined,
    DescField[] | undefined,
  ];
}

function fieldsAt(message: DescMessage, [name, ...rest]: readonly string[]): DescField[] | undefined {
  const field = message.fields.find((one) => one.name === name);
  if (!field) return undefined;
  if (rest.length === 0) return isNameable(field) ? [field] : undefined;
  const inner = field.fieldKind === "message" ? fieldsAt(field.message, rest) : undefined;
  return inner && [field, ...inner];
}

function isNameable(field: DescField): boolean {
  return field.fieldKind === "enum" || (field.fieldKind === "scalar" && field.scalar === ScalarType.STRING);
}

function reader(path: readonly DescField[] | undefined): Read {
  if (!path) return () => "";
  const names = path.map(({ localName }) => localName);
  const values = path.at(-1)?.enum?.value;
  return (message) => {
    let value: unknown = message;
    for (const name of names) value = (value as Record<string, unknown> | undefined)?.[name];
    if (values && typeof value === "number") return values[value]?.name ?? String(value);
    return typeof value === "string" ? value : "";
  };
}

function hasPathParameter(method: DescMethod): boolean {
  const rule = getOption(method, http);
  return [rule, ...rule.additionalBindings].some(({ pattern }) => {
    const path = pattern.case === "custom" ? pattern.value.path : pattern.value;
    return path?.includes("{") ?? false;
  });
}
