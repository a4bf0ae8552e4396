import { expect, it } from "vitest";
import * as known from "../../../services/analytics/domain/engine-names.js";
import { stageNames } from "../../../services/engine/config.js";
import { frameworks } from "../../../services/engine/domain/frameworks/evaluate.js";

it("analytics knows every stage and framework that the engine names", () => {
  expect(known.stageNames).toEqual(stageNames);
  expect(known.frameworkNames).toEqual(frameworks.map(({ name }) => name));
});
