import type { OutgoingHttpHeaders } from "node:http";
import type { Message } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import type { ConnectError } from "@connectrpc/connect";
import type { TranscodedReply } from "./call.js";
import { planContent } from "./content.js";
import { encodingOf } from "./encoding.js";
import { formatTag } from "./entity-tag.js";
import type { ErrorForm } from "./error-form.js";
import type { Ends } from "./exchange.js";
import { addReplyHeaders } from "./headers.js";
import type { JsonCodec } from "./json.js";
import { endUnread, isUnread, type Lingering } from "./linger.js";
import { isEtag } from "./precondition.js";
import type { Route } from "./route.js";

/** Answers a call's reply with 200. */
export type Render = (exchange: Ends, reply: TranscodedReply) => void;

/** What rendering is made of. */
export interface RenderOptions {
  readonly codec: JsonCodec;
  readonly lingering: Lingering;
  /** Headers of every reply. */
  readonly fixed: OutgoingHttpHeaders;
  readonly form: ErrorForm;
}

/**
 * Plans how a route's reply is printed: as JSON, or raw when it is a
 * `google.api.HttpBody`. What a GET returns carries the resource's own `etag`
 * as entity tag (AIP-154). A method that takes an upload may answer before its end.
 */
export function planRender(route: Route, { codec, lingering, fixed, form }: RenderOptions): Render {
  const { method, responseField } = route;
  const content = planContent(method.output, responseField, codec).of;
  const tagOf = planTag(route);
  return ({ request, response, requestId }, { message, header, trailer }) => {
    const { type, body } = content(message);
    const bytes = Buffer.byteLength(body);
    const headers: OutgoingHttpHeaders = {
      "content-type": type,
      "content-length": bytes,
      "x-request-id": requestId,
      ...fixed,
    };
    const tag = tagOf?.(message);
    if (tag !== undefined) headers.etag = tag;
    Object.assign(headers, form.replyHeaders?.(header));
    addReplyHeaders(headers, header);
    addReplyHeaders(headers, trailer);
    const unread = method.methodKind === "client_streaming" && isUnread(request);
    if (unread && request.httpVersionMajor === 1) headers.connection = "close";
    response.writeHead(200, headers);
    if (unread) endUnread(request, response, body, lingering);
    else if (request.method === "HEAD") response.end();
    else response.end(body, encodingOf(body, bytes));
  };
}

/** A changed resource is another representation than the one at the URL, so that reads alone have a tag. */
function planTag({ httpMethod, method, responseField }: Route) {
  if (httpMethod !== "GET") return undefined;
  const inner = responseField?.fieldKind === "message" ? responseField : undefined;
  const resource = responseField ? inner?.message : method.output;
  const field = resource?.fields.find(isEtag);
  if (!field) return undefined;
  return (message: Message): string | undefined => {
    const reply = reflect(method.output, message);
    return formatTag(String((inner ? reply.get(inner) : reply).get(field)));
  };
}

/** How an error is answered. */
export interface ErrorRendering {
  readonly form: ErrorForm;
  readonly lingering: Lingering;
}

/** Answers an error in its form. */
export function renderError(exchange: Ends, error: ConnectError, { form, lingering }: ErrorRendering): void {
  const { request, response, requestId } = exchange;
  const body = form.body(error, requestId);
  const headers: OutgoingHttpHeaders = {
    "content-type": form.contentType,
    "content-length": Buffer.byteLength(body),
    "x-request-id": requestId,
    ...form.headers(error),
  };
  const unread = isUnread(request);
  if (unread && request.httpVersionMajor === 1) headers.connection = "close";
  response.writeHead(form.status(error), headers);
  const sent = request.method === "HEAD" ? "" : body;
  if (unread) endUnread(request, response, sent, lingering);
  else response.end(sent);
}

/** Answers OPTIONS on a path that has no rule for it. */
export function renderOptions({ response, requestId }: Ends, allow: string): void {
  response.writeHead(204, { allow, "x-request-id": requestId });
  response.end();
}
