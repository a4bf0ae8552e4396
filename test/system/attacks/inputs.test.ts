import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { MethodContract } from "../../../services/kit/contract/method.js";
import { adminPassword, startPlatform, type TestPlatform } from "../../support/platform.js";
import { restClient } from "../../support/rest.js";
import { methodsInOnesName, publicMethods, shortName } from "../tenancy/methods.js";
import { makeTenant, stateOf, type Tenant } from "../tenancy/tenant.js";
import { hostileTexts, requestsWith } from "./inputs.js";

let platform: TestPlatform;
let attacker: Tenant;
let bystander: Tenant;
let before: unknown[];

beforeAll(async () => {
  platform = await startPlatform({
    environment: {
      RATE_SIGN_IN_PER_MINUTE: "1000000",
      RATE_PER_MINUTE: "1000000",
      RATE_PER_SECOND: "1000000",
      RATE_BURST: "1000000",
    },
  });
  attacker = await makeTenant(platform.url, "attacker");
  bystander = await makeTenant(platform.url, "bystander");
  before = await stateOf(bystander);
});
afterAll(() => platform?.stop());

// These end what the calls after them need.
const ending = ["AuthService/Logout", "SessionsService/EndOtherSessions"];
const methods = [...methodsInOnesName(), ...publicMethods()].filter(
  (contract) => contract.method.methodKind === "unary" && !ending.includes(shortName(contract)),
);

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

async function send({ method }: MethodContract, request: object): Promise<Answer> {
  const response = await fetch(`${platform.url}/${method.parent.typeName}/${method.name}`, {
    method: "POST",
    headers: { authorization: `Bearer ${attacker.token}`, "content-type": "application/json" },
    body: JSON.stringify(request),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

// Without the fast path, Connect itself refuses text that no message can hold, and knows no reasons.
const refusal =
  process.env.FAST_PATH === "false"
    ? /"reason":\s*"[A-Z_]+"|"message":"cannot decode /
    : /"reason":\s*"[A-Z_]+"/;

function expectControlled({ status, headers, text }: Answer, request: object): void {
  const told = `${status} ${text.slice(0, 300)} to ${JSON.stringify(request).slice(0, 200)}`;
  expect(status, told).toBeLessThan(500);
  expect(headers.get("set-cookie"), told).toBeNull();
  if (status >= 400) expect(text, told).toMatch(refusal);
}

describe("a hostile text in any field", () => {
  it.each(methods.map((contract) => [shortName(contract), contract] as const))(
    "of %s is an error of the catalogue at worst",
    async (_, contract) => {
      for (const text of hostileTexts) {
        for (const request of requestsWith(text, contract.method.input)) {
          expectControlled(await send(contract, request), request);
        }
      }
    },
  );

  it("left what others have as it was, and nothing failed inside", async () => {
    expect(await stateOf(bystander)).toEqual(before);
    expect(platform.lines.filter(({ level }) => level === "error")).toEqual([]);
    const again = await restClient(platform.url)("POST", "/api/v1/auth/login", {
      username: "admin",
      password: adminPassword,
    });
    expect(again.status).toBe(200);
  });
});
