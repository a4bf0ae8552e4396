import type { DescMethodUnary } from "@bufbuild/protobuf";
import type { Bindable } from "./bind.js";
import { createCall, type TranscodedCall, type TranscodedReply } from "./call.js";
import type { Endpoint, UnaryPlan } from "./endpoint.js";
import type { Exchange } from "./exchange.js";

/** Calls a unary method. */
export type CallUnary<Context> = (call: TranscodedCall<Context>) => Promise<TranscodedReply>;

/** Binds a request to its method's message, calls the method, and answers with its reply. */
export async function serveUnary<Context>(
  exchange: Exchange<Context>,
  { route, bind, render }: Endpoint & UnaryPlan,
  bindable: Bindable,
  call: CallUnary<Context>,
): Promise<void> {
  const { request, response, incoming } = exchange;
  const bound = bind(bindable);
  const input = bound instanceof Promise ? await bound : bound;
  const method = route.method as DescMethodUnary;
  const made = createCall({ method, route: route.text, input, request, response, incoming });
  exchange.called = true;
  const reply = await call(made);
  if (!response.destroyed) render(exchange, reply);
}
