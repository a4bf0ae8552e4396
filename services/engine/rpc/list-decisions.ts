import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type { EngineService } from "#gen/ts/consciousness/engine/v1/engine_service_pb.js";
import { principalOf } from "../../kit/context.js";
import { pageTokenAfter, readPageToken } from "../../kit/page-token.js";
import type { DecisionStore } from "../store.js";

const defaultPageSize = 50;
const greatestPageSize = 200;

/** Handles ListDecisions. */
export function listDecisions({
  store,
}: {
  readonly store: Pick<DecisionStore, "list">;
}): ServiceImpl<typeof EngineService>["listDecisions"] {
  return async ({ since, pageSize, pageToken }, context) => {
    const principal = principalOf(context);
    const from = since && timestampDate(since);
    const query = [principal.tenant, principal.subject, from?.toISOString() ?? ""];
    const after = readPageToken(pageToken, query);
    const size = Math.min(pageSize || defaultPageSize, greatestPageSize);
    // One more than asked for tells whether there is a next page.
    const found = await store.list(principal, { since: from, after, limit: size + 1 });
    const decisions = found.slice(0, size);
    const last = found.length > size ? decisions.at(-1) : undefined;
    return { decisions, nextPageToken: last ? pageTokenAfter(last.id, query) : "" };
  };
}
