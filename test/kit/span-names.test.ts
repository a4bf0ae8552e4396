import { readFileSync } from "node:fs";
import * as stable from "@opentelemetry/semantic-conventions";
import * as incubating from "@opentelemetry/semantic-conventions/incubating";
import { describe, expect, it } from "vitest";

const sources = [
  "services/kit/rpc-span.ts",
  "services/kit/server-span.ts",
  "services/kit/client-span.ts",
  "services/kit/spans.ts",
  "services/kit/events/consumer.ts",
  "services/kit/stores/database/kysely.ts",
  "services/engine/provider-span.ts",
];
const used = new Set(
  sources.flatMap((path) =>
    [...readFileSync(path, "utf8").matchAll(/"((?:rpc|gen_ai|db|messaging|server|error)\.[a-z_.]+)"/g)].map(
      ([, name]) => name!,
    ),
  ),
);
const namesOf = (conventions: object) =>
  new Set(Object.entries(conventions).flatMap(([key, name]) => (key.startsWith("ATTR_") ? [name] : [])));

describe("names of span attributes", () => {
  it.each([...used])("%s is one of OpenTelemetry's conventions", (name) => {
    const settled = !/^(gen_ai|messaging)\./.test(name);
    expect(namesOf(settled ? stable : incubating)).toContain(name);
  });

  it("are those of calls, stores, messages and models", () => {
    const areas = new Set([...used].map((name) => name.split(".")[0]));
    expect([...areas].sort()).toEqual(["db", "error", "gen_ai", "messaging", "rpc", "server"]);
  });
});
