import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { expect, it } from "vitest";
import { callGraph } from "../../services/generate/call-graph.js";
import { readContract } from "../../services/generate/contract.js";
import { names } from "./rules.js";

const contract = readContract(
  createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync("gen/contract/contract.binpb"))),
);

/** Services whose typed client the sources below a folder make: `peer(AgentsService)`, or a list named `forwarded`. */
function peersMadeIn(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".ts"),
  );
  return files.flatMap((file) => {
    const text = readFileSync(join(folder, file), "utf8");
    const listed = /\bforwarded: readonly DescService\[\] = \[([^\]]*)\]/.exec(text)?.[1] ?? "";
    const made = [...text.matchAll(/\bpeers?\(([A-Z]\w+)\)/g)].map(([, service]) => service!);
    return [...made, ...(listed.match(/\w+/g) ?? [])];
  });
}

it("has an edge for every peer that code makes, and no other", () => {
  const workloadOf = (service: string) =>
    contract.methods.find((method) => method.service.endsWith(`.${service}`))?.workload;
  // What the kit calls, every workload calls.
  const shared = peersMadeIn("services/kit");
  const made = names.flatMap((caller) =>
    [...peersMadeIn(`services/${caller}`), ...shared].map((service) => `${caller} ${workloadOf(service)}`),
  );
  const declared = callGraph(contract).map(({ caller, callee }) => `${caller} ${callee}`);
  expect([...new Set(made)].sort()).toEqual(declared);
});
