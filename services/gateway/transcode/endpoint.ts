import type { DescMethod } from "@bufbuild/protobuf";
import { type Bind, planBind } from "./bind.js";
import type { StartTimer } from "./body.js";
import type { JsonCodec } from "./json.js";
import type { TranscoderLimits } from "./options.js";
import { planRender, type Render } from "./render.js";
import type { Route } from "./route.js";
import { createRouter, type Match, type Router } from "./router.js";

/** A route with all that serving it takes, planned once. */
export interface Endpoint {
  readonly route: Route;
  readonly bind: Bind;
  readonly render: Render;
}

/** What endpoints share. */
export interface EndpointOptions {
  readonly codec: JsonCodec;
  readonly limits: TranscoderLimits;
  readonly startTimer: StartTimer;
  ignoreUnknownFields(method: DescMethod): boolean;
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

function planEndpoint(
  route: Route,
  { codec, limits, startTimer, ignoreUnknownFields }: EndpointOptions,
): Endpoint {
  const bind = planBind(route, {
    codec,
    ignoreUnknown: ignoreUnknownFields(route.method),
    body: { maxBytes: limits.bodyBytes, arrivalMs: limits.bodyMs, startTimer },
    maxParameters: limits.queryParameters,
    maxDepth: limits.depth,
  });
  return { route, bind, render: planRender(route, codec) };
}
