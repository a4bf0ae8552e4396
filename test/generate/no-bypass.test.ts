import { readFileSync } from "node:fs";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import { AuditClass } from "#gen/ts/consciousness/contract/v1/contract_pb.js";
import { type ImageMethod, readContract, readError } from "../../services/generate/contract.js";
import { answerOf } from "../../services/generate/no-bypass/answers.js";
import { noBypassDocument } from "../../services/generate/no-bypass/document.js";
import { decisionMethods, decisionRoutes } from "../../services/generate/no-bypass/routes.js";
import { resolveContract } from "../../services/kit/contract/method.js";
import { everyService } from "../support/every-service.js";

const image = createFileRegistry(
  fromBinary(
    FileDescriptorSetSchema,
    readFileSync(new URL("../../gen/contract/contract.binpb", import.meta.url)),
  ),
);
const contract = readContract(image);
const routes = decisionRoutes(contract);

describe("the routes of decisions", () => {
  it("are those of every method that is audited as a decision", () => {
    const audited = [...resolveContract(everyService).methods.values()].filter(
      ({ audit }) => audit === AuditClass.DECISION,
    );
    expect(audited.length).toBeGreaterThan(0);
    expect(
      decisionMethods(contract)
        .map(({ service, name }) => `${service}/${name}`)
        .sort(),
    ).toEqual(audited.map(({ name }) => name).sort());
  });

  it("have every binding and every protocol of each method", () => {
    for (const method of decisionMethods(contract)) {
      const own = routes.filter((route) => route.method === method);
      const paths = own.filter(({ protocol }) => protocol === "REST").map(({ path }) => path);
      expect(new Set(paths)).toEqual(new Set(method.http.map(({ path }) => path)));
      expect(new Set(own.map(({ protocol }) => protocol))).toEqual(
        new Set(["REST", "Connect", "gRPC-Web", "gRPC"]),
      );
    }
  });

  it("grow with the contract", () => {
    const added: ImageMethod = {
      ...(decisionMethods(contract)[0] as ImageMethod),
      name: "Advise",
      http: [{ verb: "POST", path: "/api/v1/advice" }],
    };
    const more = decisionRoutes({ ...contract, methods: [...contract.methods, added] });
    expect(more.length - routes.length).toBe(7);
    expect(decisionRoutes({ ...contract, methods: [{ ...added, audit: "change" }] })).toEqual([]);
    expect(decisionRoutes({ ...contract, methods: [{ ...added, forwarded: false }] })).toEqual([]);
  });
});

describe("how a verdict leaves", () => {
  const block = readError(image, "ETHICAL_VIOLATION");

  it("is never an outage: no status of a server's fault, and no code that clients try again", () => {
    for (const route of routes) {
      for (const blocks of [undefined, "input", "answer"] as const) {
        const { status, code } = answerOf(route, blocks ? { blocks } : {}, block);
        expect(status).toBeLessThan(500);
        expect(["OK", "FAILED_PRECONDITION", "content_filter"]).toContain(code);
      }
    }
  });

  it("is in the document for every method", () => {
    const document = noBypassDocument(image);
    for (const { name, path } of decisionMethods(contract)) {
      expect(document).toContain(`/${name}\``);
      expect(document).toContain(`\`${path}\``);
    }
  });

  it("cannot be told of a reason that the catalogue does not have", () => {
    expect(() => readError(image, "NO_SUCH_REASON")).toThrow("NO_SUCH_REASON");
  });
});
