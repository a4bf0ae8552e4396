import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { MethodContract } from "../../../services/kit/contract/method.js";
import { startPlatform, type TestPlatform } from "../../support/platform.js";
import { type Attempt, attemptsOn } from "./attempts.js";
import { methodsInOnesName, shortName } from "./methods.js";
import { makeTenant, secretsOf, sessionsOf, stateOf, type Tenant } from "./tenant.js";

let platform: TestPlatform;
let other: Tenant;
let self: Tenant;
let attempts: ReturnType<typeof attemptsOn>;
let before: unknown[];
let sessionsBefore: number;

// The record tells of every attempt before it is read, and signing out ends the session that the rest needs.
const places = new Map([
  ["AuditService/ListAuditEvents", -1],
  ["AuthService/Logout", 1],
]);
const placeOf = (contract: MethodContract) => places.get(shortName(contract)) ?? 0;
const methods = methodsInOnesName().sort((one, two) => placeOf(one) - placeOf(two));

beforeAll(async () => {
  platform = await startPlatform();
  other = await makeTenant(platform.url, "other");
  self = await makeTenant(platform.url, "self");
  attempts = attemptsOn(other, self);
  before = await stateOf(other);
  sessionsBefore = await sessionsOf(other);
});
afterAll(() => platform?.stop());

/** Calls over Connect, which every method has, with the administrator's token of `self`. */
async function send({ method }: MethodContract, request: object) {
  const json = JSON.stringify(request);
  const streams = method.methodKind !== "unary";
  const response = await fetch(`${platform.url}/${method.parent.typeName}/${method.name}`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${self.token}`,
      "content-type": streams ? "application/connect+json" : "application/json",
    },
    body: streams ? enveloped(json) : json,
  });
  const body = Buffer.from(await response.arrayBuffer());
  const texts = streams ? unenveloped(body) : [body.toString()];
  // The last message of a stream says how it ended.
  const end = JSON.parse(texts.at(-1) ?? "{}");
  return { text: texts.map(withContent).join("\n"), code: (streams ? end.error : end)?.code };
}

function unenveloped(body: Buffer): string[] {
  const texts: string[] = [];
  for (let at = 0; at < body.length; ) {
    const start = at + 5;
    at = start + body.readUInt32BE(at + 1);
    texts.push(body.toString("utf8", start, at));
  }
  return texts;
}

/** Raw bodies are base64 in JSON, which would hide what they tell. */
function withContent(json: string): string {
  const { data } = JSON.parse(json);
  return typeof data === "string" ? json + Buffer.from(data, "base64").toString() : json;
}

function enveloped(json: string): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(Buffer.byteLength(json), 1);
  return Buffer.concat([prefix, Buffer.from(json)]);
}

function expectNothingTold(text: string, request: object) {
  // What the caller said itself may be said back; raw bodies are base64 in JSON.
  const { data = "" } = request as { data?: string };
  const named = JSON.stringify(request) + Buffer.from(data, "base64").toString();
  for (const secret of secretsOf(other)) if (!named.includes(secret)) expect(text).not.toContain(secret);
}

const codes: Readonly<Record<Exclude<Attempt["kind"], "own">, string>> = {
  names: "not_found",
  denied: "permission_denied",
};

describe("an administrator of one tenant", () => {
  it("is tried with every method that the contract offers outside", () => {
    expect(Object.keys(attempts).sort()).toEqual(methods.map(shortName).sort());
  });

  it.each(methods.map((contract) => [shortName(contract), contract] as const))(
    "reaches nothing of another by %s",
    async (name, contract) => {
      for (const { kind, request } of attempts[name] ?? []) {
        const { text, code } = await send(contract, request);
        if (kind !== "own") expect([name, code]).toEqual([name, codes[kind]]);
        expectNothingTold(text, request);
      }
    },
  );
});

describe("the other tenant", () => {
  it("has everything as it was", async () => {
    expect(await stateOf(other)).toEqual(before);
    expect(await sessionsOf(other)).toBe(sessionsBefore);
  });
});
