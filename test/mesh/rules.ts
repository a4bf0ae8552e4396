import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { getOption } from "@bufbuild/protobuf";
import { parseAllDocuments } from "yaml";
import { http } from "#gen/ts/google/api/annotations_pb.js";
import type { HttpRule } from "#gen/ts/google/api/http_pb.js";
import { type MethodContract, resolveContract } from "../../services/kit/contract/method.js";
import { type WorkloadName, workloadName, workloads } from "../../services/kit/contract/workloads.js";
import { everyService } from "../support/every-service.js";

const root = fileURLToPath(new URL("../../", import.meta.url));

// biome-ignore lint/suspicious/noExplicitAny: what a YAML file holds is what the tests find out
export type Document = any;

const parsed = new Map<string, Document[]>();

/** The objects of a YAML file of the repository. */
export function yamlDocuments(path: string): Document[] {
  const known = parsed.get(path);
  if (known) return known;
  const documents = parseAllDocuments(readFileSync(`${root}${path}`, "utf8")).map((document) =>
    document.toJS(),
  );
  parsed.set(path, documents);
  return documents;
}

/** The object of a kind and a name in a generated file of the mesh. */
export function meshDocument(file: string, kind: string, name: string): Document {
  const found = yamlDocuments(`mesh/generated/${file}`).filter(
    (one) => one.kind === kind && one.metadata.name === name,
  );
  if (found.length !== 1) throw new Error(`${file} has ${found.length} of ${kind} ${name}`);
  return found[0];
}

/** The contract as the running services resolve it. */
export const methods: readonly MethodContract[] = [...resolveContract(everyService).methods.values()];

/** Names of every workload. */
export const names: readonly WorkloadName[] = [...workloads.keys()];

/** Whether a workload may call a method of another one, according to the running services. */
export function mayCall(caller: WorkloadName, { callers }: MethodContract): boolean {
  return [...callers].some((one) => workloadName(one) === caller);
}

/** The internal workloads that serve a method. */
export function serversOf({ workload }: MethodContract): WorkloadName[] {
  return names.filter(
    (name) => name !== "gateway" && (workload === undefined || workloadName(workload) === name),
  );
}

/** The REST requests of a method, with some id wherever a path wants one. */
export function restCalls({ method }: MethodContract): { verb: string; path: string }[] {
  const bindings = (rule: HttpRule): HttpRule[] => [rule, ...rule.additionalBindings.flatMap(bindings)];
  return bindings(getOption(method, http)).flatMap(({ pattern }) =>
    pattern.case === undefined || pattern.case === "custom"
      ? []
      : [{ verb: pattern.case.toUpperCase(), path: pattern.value.replaceAll(/\{[^}]*\}/g, "0190-x") }],
  );
}

/** Whether a policy lets `account` of its own namespace send a request, as Istio decides. */
export function admits(policy: Document, account: string, verb: string, path: string): boolean {
  return policy.spec.rules.some(
    (rule: Document) =>
      rule.from.some(({ source }: Document) => source.serviceAccounts.includes(account)) &&
      rule.to.some(
        ({ operation }: Document) =>
          operation.methods.includes(verb) && operation.paths.some((one: string) => matches(one, path)),
      ),
  );
}

function matches(template: string, path: string): boolean {
  const wanted = template.split("/");
  const given = path.split("/");
  return wanted.length === given.length && wanted.every((part, at) => part === "{*}" || part === given[at]);
}
