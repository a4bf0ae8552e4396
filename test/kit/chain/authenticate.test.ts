import { Code } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { AuthService } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { authenticate, type VerifyCredential } from "../../../services/kit/chain/authenticate.js";
import { callOf, principalOf } from "../../../services/kit/context.js";
import { errors } from "../../../services/kit/errors.js";
import { ada } from "../tokens/forge.js";
import { contractOf, expectRefusal, getAgent, pass, requestOf } from "./calls.js";

const verify: VerifyCredential = async (credential) => {
  if (credential !== "good") throw errors.tokenInvalid();
  return ada;
};
const unasked: VerifyCredential = () => {
  throw new Error("nothing needs to be verified");
};

const withHeader = (authorization: string) => requestOf(getAgent, { header: { authorization } });

describe("a method that asks who calls", () => {
  it.each(["Bearer good", "bearer good"])("lets %s in, and tells the handler who it is", async (header) => {
    await pass([authenticate(verify)], withHeader(header), ({ contextValues }) => {
      expect(principalOf({ values: contextValues })).toBe(ada);
      expect(callOf({ values: contextValues }).credential).toBe("good");
      return {};
    });
  });

  it("refuses a call without a credential", async () => {
    const answer = pass([authenticate(unasked)], requestOf(getAgent), unreachable);
    await expectRefusal(answer, Code.Unauthenticated, "CREDENTIALS_MISSING");
  });

  it.each(["", "good", "Basic good", "Bearer", "Bearer  good", "Bearer a b", `Bearer ${"x".repeat(8193)}`])(
    "refuses the malformed credential %j unread",
    async (header) => {
      const answer = pass([authenticate(unasked)], withHeader(header), unreachable);
      await expectRefusal(answer, Code.Unauthenticated, "TOKEN_INVALID");
    },
  );

  it("refuses a credential that does not hold", async () => {
    const answer = pass([authenticate(verify)], withHeader("Bearer bad"), unreachable);
    await expectRefusal(answer, Code.Unauthenticated, "TOKEN_INVALID");
  });

  it("takes over the principal that a co-located caller has verified", async () => {
    const request = requestOf(getAgent, { call: { principal: ada, credential: "outside" } });
    await pass([authenticate(unasked)], request, ({ contextValues }) => {
      expect(callOf({ values: contextValues })).toMatchObject({ principal: ada, credential: "outside" });
      return {};
    });
  });
});

it("asks nobody for a credential on a public method", () => {
  expect(authenticate(unasked)(contractOf(AuthService.method.login))).toBeUndefined();
});

function unreachable() {
  throw new Error("the handler was reached");
}
