import type { DescMethodUnary, DescService, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { Caller } from "../context.js";

/**
 * A typed client of another service. The caller's context is a required
 * argument, so that deadline, identity and trace cannot be forgotten. Rejects
 * with `ConnectError`: the callee's catalogue error, DEPENDENCY_UNAVAILABLE
 * when it does not answer, or DEADLINE_EXCEEDED.
 */
export type Peer<S extends DescService> = {
  readonly [K in keyof S["method"] as S["method"][K] extends DescMethodUnary ? K : never]: (
    request: MessageInitShape<S["method"][K]["input"]>,
    caller: Caller,
  ) => Promise<MessageShape<S["method"][K]["output"]>>;
};
