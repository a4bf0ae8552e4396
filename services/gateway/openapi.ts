import type { DescMessage, DescMethod, DescService, FileRegistry, JsonObject } from "@bufbuild/protobuf";
import { tenantHeader } from "../kit/chain/act-in-tenant.js";
import { keptHours, longestKey, replayedHeader } from "../kit/idempotency/key.js";
import {
  dataClassReader,
  type PolicyFacts,
  policyReader,
  type ReasonFacts,
  readCatalogue,
} from "./openapi/catalogue.js";
import { commentOf } from "./openapi/comments.js";
import { conditionParameters, securitySchemes } from "./openapi/http-semantics.js";
import { type Operation, operationOf } from "./openapi/operations.js";
import { namePaths } from "./openapi/paths.js";
import { headerComponents, openaiErrorSchema, problemSchema } from "./openapi/responses.js";
import { createSchemas, messagesWithin, type SchemaOptions } from "./openapi/schemas.js";
import { shareResponses } from "./openapi/shared-responses.js";
import { describeProblem, planRoutes, type Route } from "./transcode/route.js";

/** Where the document is kept, from the package root. */
export const openapiFile = "gen/openapi/openapi.json";

/** What a document describes. */
export interface ApiOptions {
  readonly title: string;
  readonly version: string;
  readonly description: string;
  readonly services: readonly DescService[];
  readonly catalogue: ReadonlyMap<string, ReasonFacts>;
  policyOf(method: DescMethod): PolicyFacts;
  readonly isSecret: SchemaOptions["isSecret"];
}

/** The HTTP methods that a path item of OpenAPI 3.1 has a place for. */
const documentable = new Set(["GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"]);

/** Writes the document of our REST API from the compiled contract. */
export function writeOpenapi(image: FileRegistry): Map<string, string> {
  const dataClassOf = dataClassReader(image);
  const document = describeApi({
    title: "Consciousness Engine",
    version: "v1",
    description:
      "Serves AI agents and judges every request and answer before it leaves. The same methods answer over Connect, gRPC-Web and gRPC on the same port.\n\nA JSON body may come with `Content-Encoding: gzip`; answers are compressed as `Accept-Encoding` asks. Every GET route answers HEAD, and every path OPTIONS.",
    services: servicesOf(image),
    catalogue: readCatalogue(image),
    policyOf: policyReader(image),
    isSecret: (field) => dataClassOf(field) === "RESTRICTED",
  });
  return new Map([[openapiFile, `${JSON.stringify(document, undefined, 2)}\n`]]);
}

/** An OpenAPI 3.1 document of every annotated method. Throws when an annotation is wrong. */
export function describeApi(options: ApiOptions): JsonObject {
  const { routes, problems } = planRoutes(options.services);
  if (problems.length > 0) throw new Error(`HTTP annotations:\n${problems.map(describeProblem).join("\n")}`);
  const documented = routes.filter(({ httpMethod }) => documentable.has(httpMethod));
  const schemas = createSchemas({ shared: sharedMessages(documented), isSecret: options.isSecret });
  const paths = namePaths(documented);
  const ordinals = new Map<DescMethod, number>();
  const operations = documented.map((route) => {
    const ordinal = (ordinals.get(route.method) ?? 0) + 1;
    ordinals.set(route.method, ordinal);
    return operationOf({ route, documented: paths.get(route)!, ordinal }, { ...options, schemas });
  });
  const shared = shareResponses(operations);
  const described = new Set(documented.map(({ method }) => method.parent));
  return {
    openapi: "3.1.0",
    info: { title: options.title, version: options.version, description: options.description },
    servers: [{ url: "/" }],
    tags: [...described].map((service) => ({ name: service.name, description: commentOf(service) })),
    paths: pathItems(shared.operations),
    components: {
      schemas: { Problem: problemSchema, OpenAiError: openaiErrorSchema, ...schemas.components() },
      responses: shared.components,
      headers: headerComponents,
      parameters: {
        TimeoutMs: timeoutParameter,
        Tenant: tenantParameter,
        IdempotencyKey: keyParameter,
        ...conditionParameters,
      },
      securitySchemes,
    },
  };
}

const timeoutParameter: JsonObject = {
  name: "x-timeout-ms",
  in: "header",
  description: "How long the caller waits, in milliseconds. The method's own deadline stays the upper bound.",
  schema: { type: "integer", minimum: 1, maximum: 9_999_999_999 },
};

const tenantParameter: JsonObject = {
  name: tenantHeader,
  in: "header",
  description:
    "Id or name of the tenant to act in, instead of one's own. Takes the permission `TENANT_ADMIN`.",
  schema: { type: "string", pattern: "^[A-Za-z0-9-]{1,64}$" },
};

const keyParameter: JsonObject = {
  name: "Idempotency-Key",
  in: "header",
  description: `Names the call, so that it has its effect once however often it is sent: the same call again, by the same caller and within ${keptHours} hours, gets the first one's answer, marked with \`${replayedHeader}\`. Use a new key, such as a UUID, for each new call.`,
  schema: { type: "string", minLength: 1, maxLength: longestKey, pattern: "^[!-~]+$" },
};

function pathItems(operations: readonly Operation[]): JsonObject {
  const items = new Map<string, Record<string, JsonObject>>();
  for (const { path, httpMethod, operation } of operations) {
    const item = items.get(path) ?? {};
    // Templates that only constrain their variables differently share a path here; the first is described.
    item[httpMethod] ??= operation;
    items.set(path, item);
  }
  return Object.fromEntries([...items].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Messages that need two schemas, since a route takes them and a route answers with them. */
function sharedMessages(routes: readonly Route[]): ReadonlySet<DescMessage> {
  const taken = messagesWithin(routes.map(({ method }) => method.input));
  const given = messagesWithin(routes.map(({ method }) => method.output));
  return new Set([...taken].filter((message) => given.has(message)));
}

function servicesOf(image: FileRegistry): DescService[] {
  const services = [...image].filter((type): type is DescService => type.kind === "service");
  return services.sort((a, b) => (a.typeName < b.typeName ? -1 : 1));
}
