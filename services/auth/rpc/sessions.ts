import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type { SessionsService } from "#gen/ts/consciousness/auth/v1/sessions_service_pb.js";
import { callOf, principalOf } from "../../kit/context.js";
import { errors } from "../../kit/errors.js";
import { pageTokenAfter, readPageToken } from "../../kit/page-token.js";
import type { AuthParts } from "../parts.js";
import type { OwnSession } from "../store/own-sessions.js";

const defaultPageSize = 50;
const greatestPageSize = 200;

type Handlers = ServiceImpl<typeof SessionsService>;
type Parts = Pick<AuthParts, "store">;

export function listSessions({ store }: Parts): Handlers["listSessions"] {
  return async (request, context) => {
    const principal = principalOf(context);
    const query = ["sessions", principal.home, principal.subject];
    const after = readPageToken(request.pageToken, query);
    const size = Math.min(request.pageSize || defaultPageSize, greatestPageSize);
    // One more than asked for tells whether there is a next page.
    const found = await store.ownSessions.list(principal, { after, limit: size + 1 });
    const page = found.slice(0, size);
    const last = found.length > size ? page.at(-1) : undefined;
    return {
      sessions: page.map((session) => toMessage(session, principal.session)),
      nextPageToken: last ? pageTokenAfter(last.id, query) : "",
    };
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
