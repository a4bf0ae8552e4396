import { Code } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { SystemService } from "#gen/ts/consciousness/system/v1/system_service_pb.js";
import { authenticate, type VerifyCredential } from "../../../services/kit/chain/authenticate.js";
import { authorize } from "../../../services/kit/chain/authorize.js";
import { orScrapeToken } from "../../../services/kit/chain/scrape-token.js";
import { errors } from "../../../services/kit/errors.js";
import { ada } from "../tokens/forge.js";
import { expectRefusal, getAgent, pass, requestOf } from "./calls.js";

const verify: VerifyCredential = async (credential) => {
  if (credential !== "ada") throw errors.tokenInvalid();
  return ada;
};
const layers = [authenticate(orScrapeToken("scrape-me", verify)), authorize];
const header = { authorization: "Bearer scrape-me" };

describe("the scrape token", () => {
  it("reads metrics", async () => {
    await pass(layers, requestOf(SystemService.method.getMetrics, { header }));
  });

  it("reads nothing else", async () => {
    const answer = pass(layers, requestOf(getAgent, { header }));
    await expectRefusal(answer, Code.PermissionDenied, "PERMISSION_MISSING");
  });

  it("is one token, and every other credential is verified as ever", async () => {
    const either = orScrapeToken("scrape-me", verify);
    expect(await either("ada")).toBe(ada);
    expect([...(await either("scrape-me")).permissions]).toEqual([Permission.SYSTEM_MONITOR]);
    await expectRefusal(Promise.resolve(either("scrape-m")), Code.Unauthenticated, "TOKEN_INVALID");
  });

  it("does not exist unless configured", async () => {
    expect(orScrapeToken(undefined, verify)).toBe(verify);
  });
});
