import { describe, expect, it } from "vitest";
import { describeProblem } from "../../../services/gateway/transcode/route.js";
import { createTranscoder, findRouteProblems } from "../../../services/gateway/transcode/transcoder.js";
import { serviceOf } from "./fixture.js";

const broken = [
  "Unclosed: GET /v1/{text, column 5: this variable is never closed",
  'UnknownVariable: GET /v1/broken/{txt}, column 13: there is no field txt. Did you mean "text"?',
  "RepeatedVariable: GET /v1/broken/a/{tags}, column 15: tags is repeated, which a path cannot carry",
  "MessageVariable: GET /v1/broken/b/{shelf}, column 15: shelf is a message, which a path cannot carry",
  "ThroughRepeated: GET /v1/broken/c/{shelves.name}, column 15: shelves is repeated, and a path cannot reach through it",
  "ThroughMap: GET /v1/broken/d/{labels.key}, column 15: labels is a map, and a path cannot reach through it",
  "TwiceTheSame: GET /v1/broken/e/{text}/{text}, column 22: text is captured twice",
  'UnknownBody: POST /v1/broken/f: body "shelv" is not a field of fixture.v1.Everything. Did you mean "shelf"?',
  'NestedBody: POST /v1/broken/g: body "shelf.inner" is not a field of fixture.v1.Everything.',
  'UnknownResponseBody: GET /v1/broken/h: response_body "nothing" is not a field of fixture.v1.Everything.',
  "DeepBinding: GET /v1/broken/j: an additional binding cannot have additional bindings",
  "NoPattern: the rule has no pattern",
  "OneofTwice: GET /v1/broken/l/{left}/{right}, column 22: left and right exclude each other",
  'BadKind: G T /v1/broken/n: "G T" is not an HTTP method',
  "Second: GET /v1/broken/m/{maybe=*}: matches the same paths as fixture.v1.Broken.First (/v1/broken/m/{text})",
].map((line) => `fixture.v1.Broken.${line}`);

describe("annotations", () => {
  it("are refused all at once, each with its method, rule and column", () => {
    expect(findRouteProblems([serviceOf("Broken")]).map(describeProblem)).toEqual(broken);
  });

  it("conflict across services too", () => {
    const twice = findRouteProblems([serviceOf("Fixture"), serviceOf("Fixture")]);
    expect(twice.length).toBeGreaterThan(20);
    expect(twice.every(({ problem }) => problem.startsWith("matches the same paths as"))).toBe(true);
  });

  it("are accepted when nothing is wrong with them", () => {
    expect(findRouteProblems([serviceOf("Fixture")])).toEqual([]);
  });

  it("keep a transcoder from being made", () => {
    const make = () =>
      createTranscoder({
        services: [serviceOf("Broken")],
        call: () => Promise.reject(new Error("never called")),
        options: { requestId: () => "" },
      });
    expect(make).toThrow(`HTTP annotations:\n${broken.join("\n")}`);
  });
});
