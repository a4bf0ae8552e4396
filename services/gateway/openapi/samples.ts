import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import type { Route } from "../transcode/route.js";
import { messageExample } from "./examples.js";
import type { DocumentedPath } from "./paths.js";

/** What a sample shows. */
export interface SampleOptions {
  readonly route: Route;
  readonly documented: DocumentedPath;
  /** Undefined when the route takes none. */
  readonly body: JsonValue | undefined;
  readonly signedIn: boolean;
}

const origin = "http://localhost:8000";

/** One call of a route as a person would make it, in the form of `x-codeSamples`. */
export function samplesOf(options: SampleOptions): JsonObject[] {
  const typeScript = connectSample(options);
  return [
    { lang: "Shell", label: "curl", source: curlSample(options) },
    { lang: "Shell", label: "grpcurl", source: grpcurlSample(options) },
    ...(typeScript === undefined ? [] : [{ lang: "TypeScript", label: "TypeScript", source: typeScript }]),
  ];
}

function curlSample({ route, documented, body, signedIn }: SampleOptions): string {
  const example = messageExample(route.method.input, { direction: "request" });
  const path = documented.path.replace(/\{([^}]+)\}/g, (_, name: string) => {
    const { variable = name } = documented.parameters.find((parameter) => parameter.name === name) ?? {};
    return encodeURIComponent(String(valueAt(example, variable) ?? name));
  });
  return lines([
    `curl${route.httpMethod === "GET" ? "" : ` -X ${route.httpMethod}`} ${origin}${path}`,
    ...(signedIn ? [`-H "authorization: Bearer $TOKEN"`] : []),
    ...(body === undefined ? [] : ["-H 'content-type: application/json'", `-d ${quoted(body)}`]),
  ]);
}

function grpcurlSample({ route: { method }, signedIn }: SampleOptions): string {
  const message = messageExample(method.input, { direction: "request" });
  return lines([
    "grpcurl -plaintext",
    ...(signedIn ? [`-H "authorization: Bearer $TOKEN"`] : []),
    ...(Object.keys(message).length === 0 ? [] : [`-d ${quoted(message)}`]),
    `${new URL(origin).host} ${method.parent.typeName}/${method.name}`,
  ]);
}

/** Of unary methods alone: streams are read in ways of their own. */
function connectSample({ route: { method }, signedIn }: SampleOptions): string | undefined {
  if (method.methodKind !== "unary") return undefined;
  const { name, file } = method.parent;
  const message = messageExample(method.input, { direction: "request", spelling: "lowerCamelCase" });
  const headers = signedIn ? ", { headers: { authorization } }" : "";
  const constant = signedIn ? `const authorization = "Bearer " + token;\n` : "";
  const request = JSON.stringify(message, undefined, 2).replace(/^(\s*)"(\w+)":/gm, "$1$2:");
  return `import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { ${name} } from "./gen/ts/${file.name}_pb.js";

${constant}const client = createClient(${name}, createConnectTransport({ baseUrl: "${origin}" }));
const answer = await client.${method.localName}(${request}${headers});`;
}

function valueAt(message: JsonObject, path: string): JsonValue | undefined {
  let at: JsonValue | undefined = message;
  for (const name of path.split(".")) at = isObject(at) ? at[name] : undefined;
  return at;
}

function isObject(json: JsonValue | undefined): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

/** For a POSIX shell. */
function quoted(json: JsonValue): string {
  return `'${JSON.stringify(json).replaceAll("'", "'\\''")}'`;
}

function lines(parts: readonly string[]): string {
  return parts.join(" \\\n  ");
}
