import { STATUS_CODES } from "node:http";
import type { JsonObject } from "@bufbuild/protobuf";
import type { Operation } from "./operations.js";

/** Operations whose repeated error responses are references, and what these lead to. */
export interface SharedResponses {
  readonly operations: readonly Operation[];
  /** `components.responses`. */
  readonly components: JsonObject;
}

interface Group {
  readonly name: string;
  readonly response: JsonObject;
}

/** Moves error responses that several operations share to components: `NotFound`, `NotFound2`, the commonest first. */
export function shareResponses(operations: readonly Operation[]): SharedResponses {
  const groups = new Map<string, Group>(
    [...usesByStatus(operations)]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([status, uses]) => {
        const repeated = [...uses]
          .filter(([, { count }]) => count > 1)
          .sort(([, a], [, b]) => b.count - a.count);
        return repeated.map(([text, { response }], index): [string, Group] => [
          text,
          { name: `${statusName(status)}${index === 0 ? "" : index + 1}`, response },
        ]);
      }),
  );
  const referring = operations.map((one) => ({ ...one, operation: withReferences(one.operation, groups) }));
  const entries = [...groups.values()].map(({ name, response }) => [name, response] as const);
  return { operations: referring, components: Object.fromEntries(entries) };
}

function usesByStatus(operations: readonly Operation[]) {
  const statuses = new Map<string, Map<string, { count: number; readonly response: JsonObject }>>();
  for (const { operation } of operations) {
    for (const [status, response] of Object.entries(operation.responses as Record<string, JsonObject>)) {
      if (status === "200") continue;
      const uses = statuses.get(status) ?? new Map();
      const use = uses.get(JSON.stringify(response)) ?? { count: 0, response };
      use.count += 1;
      uses.set(JSON.stringify(response), use);
      statuses.set(status, uses);
    }
  }
  return statuses;
}

function withReferences(operation: JsonObject, groups: ReadonlyMap<string, Group>): JsonObject {
  const responses = Object.entries(operation.responses as JsonObject).map(([status, response]) => {
    const group = groups.get(JSON.stringify(response));
    return [status, group ? { $ref: `#/components/responses/${group.name}` } : response];
  });
  return { ...operation, responses: Object.fromEntries(responses) };
}

/** `NotFound` for `404`. */
function statusName(status: string): string {
  return (STATUS_CODES[status] ?? `Status ${status}`).replace(/[^A-Za-z0-9]/g, "");
}
