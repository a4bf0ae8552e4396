import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { type MethodContract, resolveContract } from "../kit/contract/method.js";
import { errors } from "../kit/errors.js";
import type { Peer } from "../kit/peers/peers.js";
import { type Implementation, implement } from "../kit/workload.js";
import type { CallPeer } from "./edge/kept-answers.js";

type Send = (request: never, caller: HandlerContext) => unknown;

/** Answers a method from what was answered before; undefined where nothing may be kept. */
export type Keep = (contract: MethodContract, call: CallPeer) => Send | undefined;

/**
 * Answers the methods of a service by calling the workload that serves it, one
 * message for one or a stream for one. Methods that the gateway calls for
 * itself alone do not exist outside.
 */
export function forward<S extends DescService>(
  service: S,
  peer: Peer<S>,
  keep: Keep = () => undefined,
): Implementation {
  const { methods } = resolveContract([service]);
  const calls = peer as Readonly<Record<string, Send>>;
  const handlers = service.methods.map((method) => {
    const contract = methods.get(method);
    const call = contract?.forwarded ? calls[method.localName] : undefined;
    const kept = contract && call && keep(contract, call as CallPeer);
    return [method.localName, kept ?? call ?? unknown(method)];
  });
  return implement(service, Object.fromEntries(handlers) as ServiceImpl<S>);
}

function unknown({ name }: DescMethod) {
  return () => {
    throw errors.methodUnknown({ method: name });
  };
}
