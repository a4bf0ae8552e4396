import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type { SessionsService } from "#gen/ts/consciousness/auth/v1/sessions_service_pb.js";
import { callOf, principalOf } from "../../kit/context.js";
import { errors } from "../../kit/errors.js";
import { readPage } from "../../kit/page-token.js";
import type { AuthParts } from "../parts.js";
import type { OwnSession } from "../store/own-sessions.js";

type Handlers = ServiceImpl<typeof SessionsService>;
type Parts = Pick<AuthParts, "store">;

export function listSessions({ store }: Parts): Handlers["listSessions"] {
  return async (request, context) => {
    const principal = principalOf(context);
    const query = ["sessions", principal.home, principal.subject];
    const { items, nextPageToken } = await readPage(request, query, (page) =>
      store.ownSessions.list(principal, page),
    );
    return { sessions: items.map((session) => toMessage(session, principal.session)), nextPageToken };
  };
}

export function endSession({ store }: Parts): Handlers["endSession"] {
  return async ({ sessionId }, context) => {
    const ended = await store.ownSessions.end(principalOf(context), sessionId, callOf(context));
    if (!ended) throw errors.sessionNotFound({ id: sessionId });
    return {};
  };
}

export function endOtherSessions({ store }: Parts): Handlers["endOtherSessions"] {
  return async (_, context) => ({
    ended: await store.ownSessions.endOthers(principalOf(context), callOf(context)),
  });
}

function toMessage({ createTime, lastUsedTime, expireTime, ...session }: OwnSession, current: string) {
  return {
    ...session,
    createTime: timestampFromDate(createTime),
    lastUsedTime: timestampFromDate(lastUsedTime),
    expireTime: timestampFromDate(expireTime),
    current: session.id === current,
  };
}
