import type { DescField, DescMethod, JsonObject, JsonValue } from "@bufbuild/protobuf";
import { keyUse, replayedHeader } from "../../kit/idempotency/key.js";
import { isHttpBody, takesRaw } from "../transcode/body.js";
import type { Route } from "../transcode/route.js";
import type { PolicyFacts, ReasonFacts } from "./catalogue.js";
import { methodComment } from "./comments.js";
import { fieldExample, messageExample } from "./examples.js";
import { httpSemantics } from "./http-semantics.js";
import { parametersOf } from "./parameters.js";
import type { DocumentedPath } from "./paths.js";
import { failures } from "./responses.js";
import { isRequired } from "./rules.js";
import { samplesOf } from "./samples.js";
import type { Schemas } from "./schemas.js";

/** What operations are made of. */
export interface OperationOptions {
  readonly schemas: Schemas;
  readonly catalogue: ReadonlyMap<string, ReasonFacts>;
  policyOf(method: DescMethod): PolicyFacts;
  isSecret(field: DescField): boolean;
}

/** A route and where it stands in the document. */
export interface DocumentedRoute {
  readonly route: Route;
  readonly documented: DocumentedPath;
  /** Counts its method's routes from 1. */
  readonly ordinal: number;
}

/** An operation and where it goes. */
export interface Operation {
  readonly path: string;
  /** Lower case, as the key of a path item. */
  readonly httpMethod: string;
  readonly operation: JsonObject;
}

/** The operation of a route. */
export function operationOf(
  { route, documented, ordinal }: DocumentedRoute,
  options: OperationOptions,
): Operation {
  const { schemas, catalogue } = options;
  const { method } = route;
  const policy = options.policyOf(method);
  const { summary, description, reasons } = methodComment(method);
  const body = requestBody(route, schemas);
  const example = body && takesJson(route) ? bodyExample(route) : undefined;
  const signedIn = policy.access !== "public";
  const failed = failures({ route, policy, stated: reasons, catalogue });
  const http = httpSemantics(route, policy, options.isSecret);
  const keepsResults = keyUse(method, policy.access) === "kept";
  return {
    path: documented.path,
    httpMethod: route.httpMethod.toLowerCase(),
    operation: {
      operationId: `${method.parent.name}_${method.name}${ordinal > 1 ? `_${ordinal}` : ""}`,
      tags: [method.parent.name],
      ...(summary && { summary }),
      description: [description, accessText(policy)].filter((text) => text !== "").join("\n\n"),
      ...(method.proto.options?.deprecated && { deprecated: true }),
      parameters: [
        ...parametersOf(route, documented, schemas),
        { $ref: "#/components/parameters/TimeoutMs" },
        ...(signedIn ? [{ $ref: "#/components/parameters/Tenant" }] : []),
        ...http.parameters,
        ...(keepsResults ? [{ $ref: "#/components/parameters/IdempotencyKey" }] : []),
      ],
      ...(body && { requestBody: body }),
      responses: Object.fromEntries([
        ["200", success(route, schemas, { keepsResults, headers: http.headers })],
        ...http.responses,
        ...failed,
      ]),
      security: http.security,
      "x-codeSamples": samplesOf({ route, documented, body: example, signedIn }),
    },
  };
}

function accessText({ access, permission, sessionOnly }: PolicyFacts): string {
  if (access === "public") return "Open to everybody.";
  const needs = permission ? `Needs the permission \`${permission}\`.` : "Needs a signed-in caller.";
  return sessionOnly ? `${needs} Takes a session alone, and no API key or machine.` : needs;
}

function takesJson(route: Route): boolean {
  return !takesRaw(route) && !isUpload(route.method);
}

function isUpload({ methodKind }: DescMethod): boolean {
  return methodKind === "client_streaming" || methodKind === "bidi_streaming";
}

function requestBody(route: Route, schemas: Schemas): JsonObject | undefined {
  const { body, method } = route;
  if (body === undefined) return undefined;
  if (takesRaw(route)) return { content: { "*/*": {} } };
  if (isUpload(method)) return { content: lines(bodySchema(route, schemas)) };
  const required = body === "*" ? ownFields(route).some(isRequired) : isRequired(body);
  const content = { "application/json": { schema: bodySchema(route, schemas), example: bodyExample(route) } };
  return { ...(required && { required }), content };
}

function bodySchema({ body, method, variables }: Route, schemas: Schemas): JsonObject {
  if (typeof body === "object") return schemas.field(body, "request");
  if (variables.length === 0) return schemas.message(method.input, "request");
  return schemas.messageWithout(method.input, new Set(variables.map(({ name }) => name)), "request");
}

/** The fields of the request that the path does not set. */
function ownFields({ method, variables }: Route) {
  return method.input.fields.filter(({ name }) => !variables.some((variable) => variable.name === name));
}

function bodyExample(route: Route): JsonValue {
  const { body, method } = route;
  if (typeof body === "object") return fieldExample(body, { direction: "request" });
  const own = new Set(ownFields(route).map(({ name }) => name));
  const example = messageExample(method.input, { direction: "request" });
  return Object.fromEntries(Object.entries(example).filter(([name]) => own.has(name)));
}

function success(
  route: Route,
  schemas: Schemas,
  { keepsResults, headers }: { readonly keepsResults: boolean; readonly headers: JsonObject },
): JsonObject {
  return {
    description: "Success.",
    headers: {
      "x-request-id": { $ref: "#/components/headers/RequestId" },
      ...headers,
      ...(keepsResults && { [replayedHeader]: { $ref: "#/components/headers/IdempotentReplayed" } }),
    },
    content: successContent(route, schemas),
  };
}

function successContent({ method, responseField }: Route, schemas: Schemas): JsonObject {
  const output = responseField ? responseField.message : method.output;
  if (isHttpBody(output) && responseField?.fieldKind !== "list") return { "*/*": {} };
  const direction = "response";
  const schema = responseField
    ? schemas.field(responseField, direction)
    : schemas.message(method.output, direction);
  if (method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming") {
    return { ...lines(schema), "text/event-stream": { schema: { type: "string" } } };
  }
  const example = responseField
    ? fieldExample(responseField, { direction })
    : messageExample(method.output, { direction });
  return { "application/json": { schema, example } };
}

/** One JSON document in each line; OpenAPI 3.1 has no keyword for what a line holds. */
function lines(schema: JsonObject): JsonObject {
  return { "application/x-ndjson": { schema: { type: "string", "x-line-schema": schema } } };
}
