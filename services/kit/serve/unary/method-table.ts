import type { DescMessage, DescMethod, DescMethodUnary, Registry } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import type { MethodImpl } from "@connectrpc/connect";
import type { Plans } from "../../chain/chain.js";
import { createCodecs, type MessageCodec } from "../../codec/codec.js";
import { type ServeUnary, serveUnary } from "../../peers/local.js";
import type { Implementation } from "../../workload.js";

/** A unary method, ready to be served. */
export interface UnaryMethod {
  readonly method: DescMethodUnary;
  readonly path: string;
  /** Its chain around its handler. */
  readonly serve: ServeUnary;
  readonly input: MessageCodec<DescMessage>;
  readonly output: MessageCodec<DescMessage>;
  /** Whether Connect may ask for it by GET. */
  readonly noSideEffects: boolean;
}

/** What the methods are made of. */
export interface MethodTableOptions {
  readonly implementations: readonly Implementation[];
  readonly plans: Plans;
  /** Types that `google.protobuf.Any` may hold in JSON. */
  readonly registry?: Registry | undefined;
}

/** The unary methods by path. What has no handler or no plan is left to others. */
export function unaryMethods(options: MethodTableOptions): ReadonlyMap<string, UnaryMethod> {
  const { implementations, plans, registry } = options;
  // As Connect reads JSON: clients may know fields that this server does not.
  const codecOf = createCodecs({ registry, ignoreUnknownFields: true });
  const table = new Map<string, UnaryMethod>();
  for (const { service, handlers } of implementations) {
    for (const method of service.methods) {
      const plan = plans.get(method);
      const handler = handlers[method.localName] as ((...given: unknown[]) => unknown) | undefined;
      if (!isUnary(method) || !plan || !handler) continue;
      const path = `/${service.typeName}/${method.name}`;
      table.set(path, {
        method,
        path,
        serve: serveUnary({ method, plan, handler: handler.bind(handlers) as MethodImpl<DescMethod> }),
        input: codecOf(method.input),
        output: codecOf(method.output),
        noSideEffects: method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS,
      });
    }
  }
  return table;
}

function isUnary(method: DescMethod): method is DescMethodUnary {
  return method.methodKind === "unary";
}
