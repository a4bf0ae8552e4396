import {
  type DescEnumValue,
  type DescMethod,
  type FileRegistry,
  getOption,
  type JsonObject,
  toJson,
} from "@bufbuild/protobuf";
import { getComments } from "@bufbuild/protoplugin";
import { callGraph } from "./call-graph.js";
import { readContract } from "./contract.js";
import type { Writer } from "./main.js";
import { page, shortService, table } from "./markdown.js";
import { noBypassDocument } from "./no-bypass/document.js";
import { roleMatrix, rolesWith } from "./shipped-roles.js";

const contractPackage = "consciousness.contract.v1";

/**
 * Writes what people look up in the contract: who may call what, who calls
 * whom, what can fail, and by which routes decisions leave.
 */
export const writeDocuments: Writer = (image) =>
  new Map([
    ["gen/docs/permissions.md", permissionsDocument(image)],
    ["gen/docs/errors.md", errorsDocument(image)],
    ["gen/docs/calls.md", callsDocument(image)],
    ["gen/docs/no-bypass.md", noBypassDocument(image)],
  ]);

function permissionsDocument(image: FileRegistry): string {
  const rows = readContract(image).methods.map((method) => {
    const policy = optionOf(image, "method", methodOf(image, method.service, method.name));
    const audit = String(policy.audit ?? "").replace("AUDIT_CLASS_", "");
    const outside = method.forwarded
      ? method.http.map(({ verb, path }) => `${verb} ${path}`).join("<br>")
      : "not offered outside";
    return [
      `\`${shortService(method.service)}/${method.name}\``,
      accessOf(policy),
      callersOf(policy),
      audit.toLowerCase() || "none",
      outside,
    ];
  });
  return page(
    "Permissions",
    "What a caller needs for each method, which roles have it, what audit record a call leaves, and where REST has it. The roles are as shipped; a tenant may change what its own permit.",
    `${table(["Method", "Access", "Roles", "Audit", "REST"], rows)}\n\n## Roles\n\n${shippedRoles()}`,
  );
}

function shippedRoles(): string {
  const { head, rows } = roleMatrix();
  return table(head, rows);
}

function callersOf(policy: JsonObject): string {
  if (!policy.permission) return "all";
  return rolesWith(String(policy.permission).replace("PERMISSION_", "")).join(", ");
}

function accessOf(policy: JsonObject): string {
  if (policy.public) return "everybody";
  const held = policy.permission
    ? `\`${String(policy.permission).replace("PERMISSION_", "")}\``
    : "signed in";
  return policy.sessionOnly ? `${held}, by a session alone` : held;
}

function errorsDocument(image: FileRegistry): string {
  const values = image.getEnum(`${contractPackage}.ErrorReason`)?.values ?? [];
  const rows = values
    .filter(({ number }) => number !== 0)
    .map((value) => {
      const { code, http, retryable, message } = optionOf(image, "error", value);
      const status = http === undefined ? "the code's" : String(http);
      return [
        `\`${value.localName}\``,
        String(code),
        status,
        retryable ? "yes" : "no",
        String(message),
        commentOf(value),
      ];
    });
  return page(
    "Errors",
    "Every reason a call can fail with. Over REST it is the problem's `reason`, elsewhere `google.rpc.ErrorInfo.reason` in the domain `consciousness.ai`.",
    table(["Reason", "Code", "HTTP status", "Retryable", "Message", "Meaning"], rows),
  );
}

function callsDocument(image: FileRegistry): string {
  const contract = readContract(image);
  const edges = callGraph(contract).filter(({ caller, callee }) => caller !== callee);
  const rows = contract.methods.map(({ service, name, workload, callers, deadlineMs }) => [
    `\`${shortService(service)}/${name}\``,
    workload ?? "every workload",
    callers.join(", "),
    deadlineMs === undefined ? "none" : `${deadlineMs} ms`,
  ]);
  const graph = [
    "```mermaid",
    "graph LR",
    ...edges.map(({ caller, callee }) => `  ${caller} --> ${callee}`),
    "```",
  ];
  return page(
    "Calls",
    "Who may call whom. The gateway stands for everybody outside; nobody else may call anything.",
    `${graph.join("\n")}\n\n${table(["Method", "Served by", "Callers", "Deadline"], rows)}`,
  );
}

function methodOf(image: FileRegistry, service: string, name: string): DescMethod {
  const found = image.getService(service)?.methods.find((method) => method.name === name);
  if (!found) throw new Error(`the image has no ${service}/${name}`);
  return found;
}

function optionOf(image: FileRegistry, name: string, element: DescMethod | DescEnumValue): JsonObject {
  const option = image.getExtension(`${contractPackage}.${name}`);
  if (!option?.message) throw new Error(`the image has no ${contractPackage}.${name}`);
  return toJson(option.message, getOption(element, option) as never) as JsonObject;
}

function commentOf(value: DescEnumValue): string {
  return (getComments(value).leading ?? "").replace(/\s+/g, " ").trim();
}
