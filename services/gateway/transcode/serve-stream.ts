import type { DescMethodStreaming, Message } from "@bufbuild/protobuf";
import { errors } from "../../kit/errors.js";
import type { Bindable } from "./bind.js";
import { createCall, type TranscodedStream, type TranscodedStreamReply, watchDeparture } from "./call.js";
import type { DownloadPlan, UploadPlan } from "./endpoint.js";
import type { Exchange } from "./exchange.js";
import { renderStream, type StreamRendering } from "./render-stream.js";
import type { Route } from "./route.js";

/** Calls a method that streams. */
export type CallStream<Context> = (call: TranscodedStream<Context>) => Promise<TranscodedStreamReply>;

/** Where a request goes, and what of it is bound. */
export interface StreamTarget<Plan> {
  readonly plan: Plan & { readonly route: Route };
  readonly bindable: Bindable;
}

/** Binds one message, and answers with the messages that come for it. */
export async function serveDownload<Context>(
  exchange: Exchange<Context>,
  { plan, bindable }: StreamTarget<DownloadPlan>,
  callStream: CallStream<Context>,
  rendering: Omit<StreamRendering, "format" | "departure">,
): Promise<void> {
  const departure = watchDeparture(exchange.response);
  const message = await plan.bind(bindable);
  const call = streamCall(exchange, plan.route, only(message), departure);
  exchange.called = true;
  const reply = await callStream(call);
  await renderStream(exchange, reply, { ...rendering, format: plan.format(exchange.request), departure });
}

/** Reads the messages of a body while the method takes them, and answers with the one that comes for all. */
export async function serveUpload<Context>(
  exchange: Exchange<Context>,
  { plan, bindable }: StreamTarget<UploadPlan>,
  callStream: CallStream<Context>,
): Promise<void> {
  const departure = watchDeparture(exchange.response);
  const upload = plan.begin(bindable);
  try {
    const call = streamCall(exchange, plan.route, upload.messages, departure);
    exchange.called = true;
    const reply = await callStream(call);
    const message = await single(reply.messages);
    upload.stop();
    if (!exchange.response.destroyed) plan.render(exchange, { ...reply, message });
  } catch (failure) {
    // On its way through the method, what was wrong with the upload may have become something else.
    throw upload.failure() ?? failure;
  } finally {
    upload.stop();
  }
}

function streamCall<Context>(
  { request, response, incoming }: Exchange<Context>,
  { method, text: route }: Route,
  input: AsyncIterable<Message>,
  { signal }: AbortController,
): TranscodedStream<Context> {
  return createCall({
    method: method as DescMethodStreaming,
    route,
    input,
    request,
    response,
    incoming,
    signal,
  });
}

async function* only(message: Message) {
  yield message;
}

async function single(messages: AsyncIterable<Message>): Promise<Message> {
  let found: Message | undefined;
  // To the end, as the trailers come behind it.
  for await (const message of messages) {
    if (found) throw errors.internal(new Error("the method answered an upload more than once"));
    found = message;
  }
  if (!found) throw errors.internal(new Error("the method answered an upload with nothing"));
  return found;
}
