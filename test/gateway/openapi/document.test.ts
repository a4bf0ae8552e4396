import { readFileSync } from "node:fs";
import { createFileRegistry, type DescService, fromBinary, type JsonObject } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Validator } from "@seriousme/openapi-schema-validator";
import { describe, expect, it } from "vitest";
import { openapiFile, writeOpenapi } from "../../../services/gateway/openapi.js";
import { createTranscoder } from "../../../services/gateway/transcode/transcoder.js";
import { errors } from "../../../services/kit/errors.js";

const image = createFileRegistry(
  fromBinary(FileDescriptorSetSchema, readFileSync("gen/contract/contract.binpb")),
);
const text = writeOpenapi(image).get(openapiFile)!;
// biome-ignore lint/suspicious/noExplicitAny: tests look into documents of any shape.
const document: any = JSON.parse(text);
const operation = (path: string, method: string) => document.paths[path][method];
const resolve = (schema: JsonObject) =>
  schema.$ref ? document.components.schemas[String(schema.$ref).split("/").at(-1)!] : schema;
const bodyOf = (path: string, method: string) =>
  resolve(operation(path, method).requestBody.content["application/json"].schema);

describe("the OpenAPI document", () => {
  it("is valid OpenAPI 3.1", async () => {
    const validator = new Validator();
    expect(await validator.validate(structuredClone(document))).toMatchObject({ valid: true });
    expect(validator.version).toBe("3.1");
  });

  it("is written the same every time, and committed", () => {
    expect(writeOpenapi(image).get(openapiFile)).toBe(text);
    expect(readFileSync(openapiFile, "utf8")).toBe(text);
  });

  it("has every route of the transcoder and no other", () => {
    const services = [...image].filter((type): type is DescService => type.kind === "service");
    const { routes } = createTranscoder({
      services,
      call: () => Promise.reject(errors.internal()),
      options: { requestId: () => "" },
    });
    const documented = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.keys(item as object).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const shapes = (all: readonly string[]) => all.map((one) => one.replace(/\{[^}]*\}/g, "{}")).sort();
    expect(shapes(documented)).toEqual(
      shapes(routes.map(({ httpMethod, template }) => `${httpMethod} ${template}`)),
    );
    const paths = Object.keys(document.paths);
    expect(new Set(shapes(paths)).size).toBe(paths.length);
  });

  it("gives each operation an id of its own", () => {
    const ids = Object.values(document.paths).flatMap((item) =>
      Object.values(item as object).map(({ operationId }) => operationId),
    );
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("leads every reference somewhere", () => {
    const targets = [...text.matchAll(/"\$ref": "#\/components\/(\w+)\/([\w.]+)"/g)];
    expect(targets.length).toBeGreaterThan(100);
    expect(targets.filter(([, kind, name]) => !document.components[kind!]?.[name!])).toEqual([]);
  });
});

describe("an operation", () => {
  const process = "/api/v1/consciousness/process";

  it("says what the contract's comment says", () => {
    const { summary, description } = operation(process, "post");
    expect(summary).toBe("Answers a request");
    expect(description).toContain("Without an agent it answers about the engine itself");
    expect(description).toContain("Needs the permission `CONSCIOUSNESS_WRITE`.");
    expect(description).not.toContain("Errors:");
  });

  it("needs a bearer token, an API key or a session unless it is public, and with effects the session's token", () => {
    const { session, csrf } = document.components.securitySchemes;
    expect([session.name, csrf.name]).toEqual(["__Host-session", "x-csrf-token"]);
    expect(operation(process, "post").security).toEqual([
      { bearer: [] },
      { apiKey: [] },
      { session: [], csrf: [] },
    ]);
    expect(operation("/api/v1/agents", "get").security).toEqual([
      { bearer: [] },
      { apiKey: [] },
      { session: [] },
    ]);
    expect(operation("/api/v1/auth/login", "post").security).toEqual([]);
    expect(operation("/api/v1/auth/api-keys", "get").security).toEqual([{ bearer: [] }, { session: [] }]);
  });

  it("takes conditions where there are entity tags, and says who may keep its answer", () => {
    const conditionsOf = (path: string, method: string) =>
      operation(path, method)
        .parameters.map(({ $ref }: JsonObject) => String($ref).split("/").at(-1))
        .filter((name: string) => name.startsWith("If"));
    const controlOf = (path: string, method: string) =>
      operation(path, method).responses[200].headers["Cache-Control"].schema.const;
    expect(conditionsOf("/api/v1/agents/{id}", "get")).toEqual(["IfNoneMatch"]);
    for (const method of ["put", "patch", "delete"])
      expect(conditionsOf("/api/v1/agents/{id}", method)).toEqual(["IfMatch"]);
    for (const [path, method] of [
      ["/api/v1/agents", "post"],
      ["/livez", "get"],
    ] as const)
      expect(conditionsOf(path, method)).toEqual([]);
    expect(controlOf("/api/v1/agents/{id}", "get")).toBe("private, no-cache");
    expect(controlOf("/.well-known/jwks.json", "get")).toBe("public, max-age=300");
    expect(controlOf("/livez", "get")).toBe("no-store");
    expect(controlOf(process, "post")).toBe("no-store");
    expect(controlOf("/api/v1/auth/login", "post")).toBe("no-store, no-transform");
  });

  it("has the statuses that its errors have, and no others", () => {
    const statuses = (path: string, method: string) =>
      Object.keys(operation(path, method).responses).join(" ");
    expect(statuses("/livez", "get")).toBe("200 400 414 431 500 503 504");
    expect(statuses("/api/v1/agents/{id}", "get")).toBe("200 304 400 401 403 404 414 429 431 500 503 504");
    expect(statuses(process, "post")).toBe(
      "200 400 401 403 404 408 409 412 413 414 415 422 429 431 500 503 504",
    );
  });

  it("names the reasons behind each status", () => {
    const { 422: blocked } = operation(process, "post").responses;
    const ours = blocked.$ref ? document.components.responses[blocked.$ref.split("/").at(-1)] : blocked;
    const [, specific] = ours.content["application/problem+json"].schema.allOf;
    expect(specific.properties).toEqual({ status: { const: 422 }, reason: { enum: ["ETHICAL_VIOLATION"] } });
  });

  it("says how each credential may be refused", () => {
    const { 401: refused } = operation(process, "post").responses;
    const ours = document.components.responses[refused.$ref.split("/").at(-1)];
    const [, specific] = ours.content["application/problem+json"].schema.allOf;
    expect(specific.properties.reason.enum).toEqual([
      "API_KEY_INVALID",
      "CREDENTIALS_MISSING",
      "TOKEN_EXPIRED",
      "TOKEN_INVALID",
      "TOKEN_REVOKED",
    ]);
  });

  it("takes an idempotency key where the method keeps its result, and nowhere else", () => {
    const keyed = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.entries(item as object)
        .filter(([, { parameters }]) =>
          parameters.some(({ $ref }: JsonObject) => $ref === "#/components/parameters/IdempotencyKey"),
        )
        .map(([method]) => `${method} ${path}`),
    );
    expect(keyed.sort()).toEqual([
      "delete /api/v1/agents/{id}",
      "delete /api/v1/agents/{id}/shares/{subject}",
      "delete /api/v1/auth/api-keys/{id}",
      "delete /api/v1/auth/invitations/{id}",
      "delete /api/v1/auth/service-accounts/{id}",
      "delete /api/v1/auth/sessions/{session_id}",
      "delete /api/v1/roles/{role}",
      "patch /api/v1/agents/{id}",
      "patch /api/v1/auth/service-accounts/{id}",
      "patch /api/v1/tenants/{id}",
      "patch /api/v1/users/{id}",
      "post /api/v1/agents",
      "post /api/v1/analytics/exports",
      "post /api/v1/auth/api-keys",
      "post /api/v1/auth/invitations",
      "post /api/v1/auth/second-factor/confirm",
      "post /api/v1/auth/service-accounts",
      "post /api/v1/auth/service-accounts/{id}/secret",
      "post /api/v1/consciousness/process",
      "post /api/v1/consciousness/self-awareness",
      "post /api/v1/tenants",
      "post /v1/consciousness/process",
      "put /api/v1/agents/{id}",
      "put /api/v1/roles/{role}",
    ]);
    expect(document.components.parameters.IdempotencyKey).toMatchObject({
      name: "Idempotency-Key",
      in: "header",
      schema: { minLength: 1, maxLength: 255 },
    });
  });

  it("tells what a key may come to", () => {
    const reasonsOf = (path: string, status: number) => {
      const stated = operation(path, "post").responses[status];
      const response = stated.$ref ? document.components.responses[stated.$ref.split("/").at(-1)] : stated;
      return response.content["application/problem+json"].schema.allOf[1].properties.reason.enum;
    };
    expect(reasonsOf("/api/v1/agents", 409)).toEqual(
      expect.arrayContaining(["IDEMPOTENCY_KEY_IN_USE", "IDEMPOTENCY_KEY_REUSED"]),
    );
    expect(reasonsOf("/api/v1/agents", 400)).toContain("IDEMPOTENCY_KEY_INVALID");
    expect(Object.keys(operation("/api/v1/agents", "post").responses[200].headers)).toContain(
      "idempotent-replayed",
    );
    expect(reasonsOf("/api/v1/auth/refresh", 400)).toContain("IDEMPOTENCY_KEY_UNSUPPORTED");
  });

  it("unwraps what response_body names", () => {
    const content = operation("/api/v1/agents/{id}", "get").responses[200].content["application/json"];
    expect(content.schema.$ref).toBe("#/components/schemas/Agent");
  });

  it("takes from the query what neither path nor body carries", () => {
    const { parameters } = operation("/api/v1/agents/{id}", "patch");
    const places = parameters
      .map(({ name, in: place }: JsonObject) => place && `${place} ${name}`)
      .filter(Boolean);
    expect(places).toEqual(["path id", "query update_mask"]);
  });

  it("answers raw bytes under any media type", () => {
    expect(Object.keys(operation("/metrics", "get").responses[200].content)).toEqual(["*/*"]);
  });

  it("shows a call in curl, grpcurl and TypeScript", () => {
    const samples = operation(process, "post")["x-codeSamples"];
    expect(samples.map(({ label }: JsonObject) => label)).toEqual(["curl", "grpcurl", "TypeScript"]);
    expect(samples[0].source).toContain(`-H "authorization: Bearer $TOKEN"`);
    expect(samples[1].source).toContain("consciousness.engine.v1.EngineService/Process");
    expect(samples[2].source).toContain("await client.process({");
  });
});

describe("a schema", () => {
  it("has the validation rules of a request", () => {
    const { properties, required, additionalProperties } = bodyOf("/api/v1/consciousness/process", "post");
    expect(properties.input).toMatchObject({ type: "string", minLength: 1, maxLength: 16000 });
    expect(properties.agent_id).toMatchObject({ type: "string", format: "uuid" });
    expect(properties.context).toMatchObject({
      maxProperties: 32,
      propertyNames: { minLength: 1, maxLength: 64 },
      additionalProperties: { type: "string", maxLength: 4000 },
    });
    expect(required).toEqual(["input"]);
    expect(additionalProperties).toBe(false);
  });

  it("bounds numbers and the items of lists", () => {
    const options = document.components.schemas.ProcessOptionsInput.properties;
    expect(options.quality_threshold).toMatchObject({ type: "number", minimum: 0, maximum: 1 });
    expect(options.max_reflection_depth).toMatchObject({ type: "integer", minimum: 0, maximum: 3 });
    const { passages } = document.components.schemas.AnswerUnderAssessment.properties;
    expect(passages).toMatchObject({ maxItems: 32, items: { minLength: 1, maxLength: 4000 } });
  });

  it("marks what the server sets as read-only", () => {
    const { id, name } = document.components.schemas.AgentInput.properties;
    expect([id.readOnly, name.readOnly]).toEqual([true, undefined]);
  });

  it("requires of an answer what cannot be absent", () => {
    const { required } = document.components.schemas.ProcessResponse;
    expect(required).toContain("processing_time_ms");
    expect(required).not.toContain("confidence_level");
    expect(required).not.toContain("consciousness_state");
  });

  it("names the values of an enum and what they mean", () => {
    const { enum: names, description } = document.components.schemas.Verdict;
    expect(names).toContain("VERDICT_ABSTAINED");
    expect(description).toContain("`VERDICT_ABSTAINED`: ");
  });

  it("hides passwords from view", () => {
    expect(bodyOf("/api/v1/auth/login", "post").properties.password.format).toBe("password");
  });
});
