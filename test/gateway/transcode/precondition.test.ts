import { create, type DescMessage } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { AgentSchema } from "#gen/ts/consciousness/agents/v1/agent_pb.js";
import { AgentsService } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import { type SendOptions, type ServeOptions, serve } from "./fixture.js";

const id = "0197f2a4-6d1c-7b3e-9a52-3c8f1e0d4b76";
const etag = "tjVk2cYy0wQq1Hh7";

async function agents(options: ServeOptions["options"] = {}) {
  const agent = create(AgentSchema, { id, etag });
  const call: ServeOptions["call"] = async ({ method }) => {
    const shape = method.output.fields.some(({ name }) => name === "agent") ? { agent } : {};
    const message = create(method.output as DescMessage, shape);
    return { message, header: new Headers(), trailer: new Headers() };
  };
  return serve({ services: [AgentsService], call, options });
}

const update = (body: object, headers: Record<string, string>): SendOptions => ({
  body: JSON.stringify(body),
  headers: { "content-type": "application/json", ...headers },
});

describe("If-Match", () => {
  it("reaches a method whose request has an etag", async () => {
    const { send, seen } = await agents();
    expect(
      await send("DELETE", `/api/v1/agents/${id}`, { headers: { "if-match": `"${etag}"` } }),
    ).toMatchObject({
      status: 200,
    });
    expect(seen[0]?.input).toEqual({ id, etag });
  });

  it.each(["PUT", "PATCH"])(
    "reaches a method whose body is a resource with an etag, by %s",
    async (method) => {
      const { send, seen } = await agents();
      await send(method, `/api/v1/agents/${id}`, update({ name: "a" }, { "if-match": `"${etag}"` }));
      expect(seen[0]?.input).toMatchObject({ agent: { id, name: "a", etag } });
      if (method === "PATCH") expect(seen[0]?.input).toMatchObject({ update_mask: "name" });
    },
  );

  it("may say what the body says, and is `*` for any state", async () => {
    const { send, seen } = await agents();
    await send("PUT", `/api/v1/agents/${id}`, update({ etag }, { "if-match": `"${etag}"` }));
    await send("PUT", `/api/v1/agents/${id}`, update({ name: "a" }, { "if-match": "*" }));
    expect(seen[0]?.input).toMatchObject({ agent: { etag } });
    expect(seen[1]?.input).toEqual({ agent: { id, name: "a" } });
  });

  it.each([
    ['"other"', 400, "PARAMETER_INVALID", "if-match: contradicts agent.etag."],
    ["other", 400, "PARAMETER_INVALID", "if-match: must be an entity tag in double quotes, or *."],
    ['"a", "b"', 400, "PARAMETER_INVALID", "if-match: must name a single entity tag here."],
    [
      `W/"${etag}"`,
      412,
      "PRECONDITION_FAILED",
      "If-Match is not met: weak and empty entity tags match nothing.",
    ],
    ['""', 412, "PRECONDITION_FAILED", "If-Match is not met: weak and empty entity tags match nothing."],
  ])("of %s is refused", async (value, status, reason, detail) => {
    const { send, seen } = await agents();
    const answer = await send("PUT", `/api/v1/agents/${id}`, update({ etag }, { "if-match": value }));
    expect(answer.json).toMatchObject({ status, reason, detail });
    expect(seen).toHaveLength(0);
  });

  it("is refused where nobody would compare it, if so configured", async () => {
    const strict = await agents({ strictPreconditions: true });
    const request = update({ name: "a", agent_type: "b" }, { "if-match": `"${etag}"` });
    const created = await strict.send("POST", "/api/v1/agents", request);
    expect(created.json).toMatchObject({ status: 412, reason: "PRECONDITION_FAILED" });
    const refused = await strict.send("DELETE", `/api/v1/agents/${id}`, {
      headers: { "if-none-match": "*" },
    });
    expect(refused.json).toMatchObject({ status: 412, reason: "PRECONDITION_FAILED" });
    expect(strict.seen).toHaveLength(0);
    const lenient = await agents();
    expect(
      (await lenient.send("DELETE", `/api/v1/agents/${id}`, { headers: { "if-none-match": "*" } })).status,
    ).toBe(200);
  });

  it("does not concern reads", async () => {
    const { send, seen } = await agents({ strictPreconditions: true });
    expect((await send("GET", `/api/v1/agents/${id}`, { headers: { "if-match": '"other"' } })).status).toBe(
      200,
    );
    expect(seen[0]?.input).toEqual({ id });
  });
});

describe("the entity tag of an answer", () => {
  it("is the etag of the resource that a GET returns", async () => {
    const { send } = await agents();
    expect((await send("GET", `/api/v1/agents/${id}`)).headers.get("etag")).toBe(`"${etag}"`);
    expect((await send("HEAD", `/api/v1/agents/${id}`)).headers.get("etag")).toBe(`"${etag}"`);
  });

  it("is absent where the answer is no resource, or not the one at the URL", async () => {
    const { send } = await agents();
    expect((await send("GET", "/api/v1/agents")).headers.has("etag")).toBe(false);
    expect((await send("PUT", `/api/v1/agents/${id}`, update({}, {}))).headers.has("etag")).toBe(false);
  });
});

describe("the headers of every reply", () => {
  it("stand in each answer of the method", async () => {
    const { send } = await agents({ replyHeaders: ({ name }) => ({ "cache-control": name }) });
    expect((await send("GET", `/api/v1/agents/${id}`)).headers.get("cache-control")).toBe("GetAgent");
  });
});
