import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { errors } from "../kit/errors.js";
import { packageRoot } from "../kit/package-root.js";
import type { RestRequest, RestResponse } from "./transcode/exchange.js";

/** A file that the edge serves as it is. */
interface DocumentFile {
  readonly file: string;
  readonly type: string;
}

interface LoadedFile {
  readonly bytes: Buffer;
  readonly etag: string;
}

/** What people and programs read about the API. */
export interface Documents {
  /** Answers GET and HEAD of a document; false when the path is none. Throws METHOD_NOT_ALLOWED. */
  handle(request: RestRequest, response: RestResponse): Promise<boolean>;
}

const fixedHeaders = {
  "cache-control": "no-cache",
  "content-security-policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "cross-origin-opener-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** Paths of all documents. */
export function documentPaths(): readonly string[] {
  return [...documentFiles().keys()];
}

/** Serves the OpenAPI document at `/openapi.json`, and at `/docs` a page that shows it. Files are read at their first request. */
export function createDocuments(): Documents {
  const files = documentFiles();
  const loaded = new Map<string, Promise<LoadedFile>>();
  const load = (file: string) => {
    const known = loaded.get(file) ?? readDocument(file);
    loaded.set(file, known);
    // A file that could not be read may be there later.
    known.catch(() => loaded.delete(file));
    return known;
  };
  return {
    async handle(request, response) {
      const path = request.url?.split("?", 1)[0] ?? "";
      const found = files.get(path);
      if (!found) return false;
      requireReading(request, path);
      send(request, response, found.type, await load(found.file));
      return true;
    },
  };
}

function documentFiles(): ReadonlyMap<string, DocumentFile> {
  const root = packageRoot();
  const page = (name: string) => join(root, "services/gateway/documents", name);
  const swagger = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
  const [html, css, script] = ["text/html", "text/css", "text/javascript"].map(
    (type) => `${type}; charset=utf-8`,
  );
  return new Map([
    ["/openapi.json", { file: join(root, "gen/openapi/openapi.json"), type: "application/json" }],
    ["/docs", { file: page("page.html"), type: html! }],
    ["/docs/page.css", { file: page("page.css"), type: css! }],
    ["/docs/page.js", { file: page("page.js"), type: script! }],
    ["/docs/swagger-ui.css", { file: join(swagger, "swagger-ui.css"), type: css! }],
    ["/docs/swagger-ui-bundle.js", { file: join(swagger, "swagger-ui-bundle.js"), type: script! }],
  ]);
}

async function readDocument(file: string): Promise<LoadedFile> {
  const bytes = await readFile(file);
  return { bytes, etag: `"${createHash("sha256").update(bytes).digest("base64url")}"` };
}

function requireReading({ method = "" }: RestRequest, path: string): void {
  if (method === "GET" || method === "HEAD") return;
  const allow = "GET, HEAD";
  const error = errors.methodNotAllowed({ path, http_method: method, allow });
  error.metadata.set("allow", allow);
  throw error;
}

function send(request: RestRequest, response: RestResponse, type: string, { bytes, etag }: LoadedFile): void {
  response.writeHead(200, { ...fixedHeaders, etag, "content-type": type, "content-length": bytes.length });
  response.end(request.method === "HEAD" ? undefined : bytes);
}
