import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startPlatform, type TestPlatform } from "../support/platform.js";
import { restClient } from "../support/rest.js";
import { itCountsDecisions } from "./figures-of-decisions.js";
import { describeJudgedPlatform } from "./judged-platform.js";

describeJudgedPlatform("the platform in one process", () => startPlatform(), itCountsDecisions);

describe("the only port of a process", () => {
  let platform: TestPlatform;

  beforeAll(async () => {
    platform = await startPlatform();
  }, 60_000);
  afterAll(() => platform?.stop());

  it("stands for what every workload needs", async () => {
    const rest = restClient(platform.url, await platform.signIn());
    const { body } = await rest("GET", "/api/v1/system/status");
    expect(body.dependencies).toContainEqual(
      expect.objectContaining({ name: "database", status: "SERVING_STATUS_SERVING" }),
    );
  });
});
