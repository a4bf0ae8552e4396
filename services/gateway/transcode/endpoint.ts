import type { OutgoingHttpHeaders } from "node:http";
import type { DescMethod } from "@bufbuild/protobuf";
import { type Bind, type BindOptions, planBind } from "./bind.js";
import { planContent } from "./content.js";
import type { ErrorForm } from "./error-form.js";
import type { RestRequest } from "./exchange.js";
import type { JsonCodec } from "./json.js";
import type { TranscoderLimits } from "./options.js";
import { planRender, type Render } from "./render.js";
import type { Route } from "./route.js";
import { createRouter, type Match, type Router } from "./router.js";
import { planFormats, type StreamFormat } from "./stream-format.js";
import type { StartTimer } from "./timer.js";
import { type BeginUpload, planUpload } from "./upload.js";

/** A route with all that serving it takes, planned once. */
export type Endpoint = { readonly route: Route; readonly form: ErrorForm } & (
  | UnaryPlan
  | DownloadPlan
  | UploadPlan
  | NoPlan
);

/** One message for one message. */
export interface UnaryPlan {
  readonly kind: "unary";
  readonly bind: Bind;
  readonly render: Render;
}

/** A stream of messages for one. */
export interface DownloadPlan {
  readonly kind: "server_streaming";
  readonly bind: Bind;
  format(request: RestRequest): StreamFormat;
}

/** One message for a stream of them. */
export interface UploadPlan {
  readonly kind: "client_streaming";
  readonly begin: BeginUpload;
  readonly render: Render;
}

/** Plain HTTP has no place for a request that goes on while its answer comes. */
interface NoPlan {
  readonly kind: "bidi_streaming";
}

/** What endpoints share. */
export interface EndpointOptions {
  readonly codec: JsonCodec;
  readonly limits: TranscoderLimits;
  readonly startTimer: StartTimer;
  ignoreUnknownFields(method: DescMethod): boolean;
  readonly strictPreconditions: boolean;
  replyHeaders(method: DescMethod): OutgoingHttpHeaders;
  errorForm(method: DescMethod): ErrorForm;
}

/** A router over the endpoints of the routes. */
export function planEndpoints(routes: readonly Route[], options: EndpointOptions): Router<Endpoint> {
  return createRouter(
    routes.map((route) => ({
      httpMethod: route.httpMethod,
      template: route.template,
      value: planEndpoint(route, options),
    })),
  );
}

/** As the router says, but HEAD is served by a GET route when it has none of its own. */
export function lookUp(router: Router<Endpoint>, httpMethod: string, path: string): Match<Endpoint> {
  const match = router.match(httpMethod, path);
  if (httpMethod !== "HEAD" || match.kind === "found") return match;
  return router.match("GET", path);
}

/** The value of `Allow`: the methods that have a route, and what follows from them. */
export function allowed(methods: readonly string[]): string {
  const all = new Set(methods);
  if (all.has("GET")) all.add("HEAD");
  return [...all.add("OPTIONS")].sort().join(", ");
}

function planEndpoint(route: Route, options: EndpointOptions): Endpoint {
  const { codec, limits, startTimer } = options;
  const binding: BindOptions = {
    codec,
    ignoreUnknown: options.ignoreUnknownFields(route.method),
    body: {
      maxBytes: limits.bodyBytes,
      arrivalMs: limits.bodyMs,
      leastBytes: limits.bodyLeastBytes,
      startTimer,
    },
    maxParameters: limits.queryParameters,
    maxDepth: limits.depth,
    strictPreconditions: options.strictPreconditions,
  };
  const lingering = { milliseconds: limits.lingerMs, startTimer };
  const form = options.errorForm(route.method);
  const render = () =>
    planRender(route, { codec, lingering, fixed: options.replyHeaders(route.method), form });
  const kind = route.method.methodKind;
  switch (kind) {
    case "unary":
      return { route, form, kind, bind: planBind(route, binding), render: render() };
    case "server_streaming": {
      const format = planFormats(planContent(route.method.output, route.responseField, codec));
      return { route, form, kind, bind: planBind(route, binding), format };
    }
    case "client_streaming": {
      const upload = { ...binding, uploadBytes: limits.uploadBytes, idleMs: limits.uploadIdleMs };
      return { route, form, kind, begin: planUpload(route, upload), render: render() };
    }
    case "bidi_streaming":
      return { route, form, kind };
  }
}
