import { describe, expect, it } from "vitest";
import { genericArguments, genericUsage } from "../../../services/gateway/generic/arguments.js";
import { UsageError } from "../../../services/kit/usage-error.js";

const upstream = ["--upstream", "http://127.0.0.1:50051"];
const descriptors = ["--descriptors", "image.binpb"];

describe("the arguments of the generic gateway", () => {
  it("have defaults for everything but contract and upstream", () => {
    expect(genericArguments([...descriptors, ...upstream])).toEqual({
      upstream: "http://127.0.0.1:50051",
      protocol: "grpc",
      http2Client: "node",
      descriptors: { from: "file", path: "image.binpb" },
      host: "127.0.0.1",
      port: 8000,
    });
  });

  it("may name them all", () => {
    const more = ["--protocol=connect", "--http2-client", "own", "--host", "0.0.0.0", "--port", "0"];
    expect(genericArguments(["--reflect", "--upstream", "https://u.example/base/", ...more])).toEqual({
      upstream: "https://u.example/base",
      protocol: "connect",
      http2Client: "own",
      descriptors: { from: "reflection" },
      host: "0.0.0.0",
      port: 0,
    });
  });

  const either = "give either --descriptors, a compiled descriptor set, or --reflect";
  const url = "--upstream must be a URL such as http://127.0.0.1:50051";
  it.each([
    [[], [either, url]],
    [["--descriptors", "a", "--reflect", ...upstream], [either]],
    [[...descriptors, "--upstream", "localhost:1"], [url]],
    [[...descriptors, ...upstream, "--protocol", "soap"], ["--protocol must be grpc or connect"]],
    [[...descriptors, ...upstream, "--http2-client", "go"], ["--http2-client must be node or own"]],
    [[...descriptors, ...upstream, "--port", "65536"], ["--port must be a number up to 65535"]],
    [[...descriptors, ...upstream, "--port", "80a0"], ["--port must be a number up to 65535"]],
  ])("%j are refused with everything that is wrong", (args, problems) => {
    const refusal = new UsageError(`${problems.join("\n")}\nusage: ${genericUsage}`);
    expect(() => genericArguments(args)).toThrow(refusal);
  });

  it.each([[["--upstrem", "x"]], [["engine", ...descriptors]], [["--port"]]])(
    "%j are no arguments at all",
    (args) => {
      expect(() => genericArguments(args)).toThrow(UsageError);
    },
  );
});
