import { SessionsService } from "#gen/ts/consciousness/auth/v1/sessions_service_pb.js";
import { type Implementation, implement } from "../kit/workload.js";
import type { AuthParts } from "./parts.js";
import { endOtherSessions, endSession, listSessions } from "./rpc/sessions.js";

/** What an owner does with sessions. */
export function sessionServices(parts: Pick<AuthParts, "store">): Implementation[] {
  return [
    implement(SessionsService, {
      listSessions: listSessions(parts),
      endSession: endSession(parts),
      endOtherSessions: endOtherSessions(parts),
    }),
  ];
}
