import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type { EngineService } from "#gen/ts/consciousness/engine/v1/engine_service_pb.js";
import { principalOf } from "../../kit/context.js";
import { readPage } from "../../kit/page-token.js";
import type { DecisionStore } from "../store.js";

/** Handles ListDecisions. */
export function listDecisions({
  store,
}: {
  readonly store: Pick<DecisionStore, "list">;
}): ServiceImpl<typeof EngineService>["listDecisions"] {
  return async (request, context) => {
    const principal = principalOf(context);
    const from = request.since && timestampDate(request.since);
    const query = [principal.tenant, principal.subject, from?.toISOString() ?? ""];
    const { items: decisions, nextPageToken } = await readPage(request, query, (page) =>
      store.list(principal, { since: from, ...page }),
    );
    return { decisions, nextPageToken };
  };
}
