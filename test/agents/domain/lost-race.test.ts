import { describe, expect, it } from "vitest";
import { untilSaved } from "../../../services/agents/domain/lost-race.js";
import { rejectedBy } from "../../support/expect-reason.js";

describe("untilSaved", () => {
  it("repeats an attempt that lost the race", async () => {
    const outcomes = [undefined, undefined, "saved"];
    expect(await untilSaved("a", async () => outcomes.shift())).toBe("saved");
  });

  it("gives up with ETAG_MISMATCH after five attempts", async () => {
    let attempts = 0;
    const lost = untilSaved("a", async () => {
      attempts++;
      return undefined;
    });
    expect(await rejectedBy(lost)).toEqual({
      code: "Aborted",
      reason: "ETAG_MISMATCH",
      metadata: { id: "a" },
    });
    expect(attempts).toBe(5);
  });

  it("does not repeat an attempt that failed", async () => {
    let attempts = 0;
    const failing = untilSaved("a", async () => {
      attempts++;
      throw new Error("no database");
    });
    await expect(failing).rejects.toThrow("no database");
    expect(attempts).toBe(1);
  });
});
