import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { resolveContract } from "../kit/contract/method.js";
import { errors } from "../kit/errors.js";
import type { Peer } from "../kit/peers/peers.js";
import { type Implementation, implement } from "../kit/workload.js";

type Send = (request: never, caller: HandlerContext) => unknown;

/**
 * Answers the methods of a service by calling the workload that serves it, one
 * message for one or a stream for one. Methods that the gateway calls for
 * itself alone do not exist outside.
 */
export function forward<S extends DescService>(service: S, peer: Peer<S>): Implementation {
  const { methods } = resolveContract([service]);
  const calls = peer as Readonly<Record<string, Send>>;
  const handlers = service.methods.map((method) => {
    const call = methods.get(method)?.forwarded ? calls[method.localName] : undefined;
    return [method.localName, call ?? unknown(method)];
  });
  return implement(service, Object.fromEntries(handlers) as ServiceImpl<S>);
}

function unknown({ name }: DescMethod) {
  return () => {
    throw errors.methodUnknown({ method: name });
  };
}
