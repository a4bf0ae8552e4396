import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type { AuditService, ListAuditEventsRequest } from "#gen/ts/consciousness/auth/v1/audit_service_pb.js";
import { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { type Principal, principalOf } from "../../kit/context.js";
import { errors } from "../../kit/errors.js";
import { readPage } from "../../kit/page-token.js";
import type { AuditFilter, AuditStore } from "../store/audit-events.js";

/** Handles ListAuditEvents. */
export function listAuditEvents({
  store,
}: {
  store: AuditStore;
}): ServiceImpl<typeof AuditService>["listAuditEvents"] {
  return async (request, context) => {
    const tenant = recordOf(principalOf(context), request);
    const filter = filterOf(request);
    const query = [tenant, JSON.stringify(filter)];
    const { items: events, nextPageToken } = await readPage(request, query, (page) =>
      store.list(tenant, { ...filter, ...page }),
    );
    return { events, nextPageToken };
  };
}

/** Whose record is asked for. Throws PERMISSION_MISSING. */
function recordOf({ tenant, permissions }: Principal, { platform }: ListAuditEventsRequest): string {
  if (!platform) return tenant;
  if (!permissions.has(Permission.SYSTEM_ADMIN))
    throw errors.permissionMissing({ permission: "SYSTEM_ADMIN" });
  return "";
}

function filterOf(request: ListAuditEventsRequest): AuditFilter {
  const { startTime, endTime, outcome, subject, method, reason, target, address, requestId } = request;
  const wanted = { subject, method, reason, target, address, request_id: requestId };
  return {
    startMs: startTime && timestampMs(startTime),
    endMs: endTime && timestampMs(endTime),
    outcome,
    equal: Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== "")),
  };
}
