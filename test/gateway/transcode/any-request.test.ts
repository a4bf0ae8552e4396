import fc from "fast-check";
import { expect, it } from "vitest";
import { anyRequest, anySubject } from "./any-request.js";

it("any path, query, headers and body are answered, below 500 and in our form", async () => {
  const { check, statuses } = anySubject();
  await fc.assert(fc.asyncProperty(anyRequest, check), { numRuns: 2500 });
  // The requests are near enough to the contract to be served, refused and missed.
  for (const status of [200, 400, 404, 405]) expect(statuses.get(status)).toBeGreaterThan(5);
});
