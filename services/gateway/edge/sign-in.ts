import { Code, ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import type {
  AuthService,
  LoginRequest,
  RefreshRequest,
  Tokens,
} from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { noteSignedIn } from "../../kit/audit/actor.js";
import { arrivalKey } from "../../kit/chain/arrival.js";
import { errors } from "../../kit/errors.js";
import type { Peer } from "../../kit/peers/peers.js";
import { readCookie, writeCookie } from "./cookies.js";
import { csrfTokenOf, requireCsrfToken, requireOwnOrigin } from "./csrf.js";
import { csrfCookie, refreshCookie, sessionCookie, sessionHeader } from "./session-names.js";

/** Whether and for whom sessions are carried by cookies. */
export interface SignInOptions {
  readonly enabled: boolean;
  /** Origins whose pages may use them besides our own. */
  readonly origins: ReadonlySet<string>;
}

type SignIn = Pick<ServiceImpl<typeof AuthService>, "login" | "refresh" | "logout">;

/**
 * The calls that begin, continue and end a session. Who asks for one in cookies
 * by `x-session: cookie` gets the tokens in cookies that no script can read, and
 * none in the answer; asking needs a header that no foreign page can send
 * without being admitted.
 */
export function signIn(auth: Peer<typeof AuthService>, { enabled, origins }: SignInOptions): SignIn {
  const asksForCookies = (context: HandlerContext): boolean => {
    const asked = context.requestHeader.get(sessionHeader);
    if (asked === null) return false;
    const problem = asked !== "cookie" ? "must be cookie" : "sessions in cookies are switched off";
    if (asked !== "cookie" || !enabled) throw errors.parameterInvalid({ parameter: sessionHeader, problem });
    requireOwnOrigin(originOf(context), origins);
    return true;
  };
  return {
    async login(request: LoginRequest, context) {
      const cookies = asksForCookies(context);
      const reply = await auth.login(request, context);
      if (cookies) moveToCookies(reply.tokens, context);
      return reply;
    },

    async refresh(request: RefreshRequest, context) {
      const cookies = asksForCookies(context);
      if (!cookies) return auth.refresh(request, context);
      const refreshToken = request.refreshToken || refreshTokenOf(context);
      try {
        const reply = await auth.refresh({ refreshToken }, context);
        moveToCookies(reply.tokens, context);
        return reply;
      } catch (error) {
        if (error instanceof ConnectError && error.code === Code.Unauthenticated)
          removeCookies(error.metadata);
        throw error;
      }
    },

    async logout(request, context) {
      const reply = await auth.logout(request, context);
      if (enabled && cookieOf(context, sessionCookie)) removeCookies(context.responseHeader);
      return reply;
    },
  };
}

/** The session's own refresh token, for a call that repeats the token of the session. */
function refreshTokenOf(context: HandlerContext): string {
  const token = cookieOf(context, refreshCookie);
  const session = cookieOf(context, sessionCookie);
  if (token === undefined || session === undefined) throw errors.refreshTokenInvalid();
  requireCsrfToken(context.requestHeader, session);
  return token;
}

function moveToCookies(tokens: Tokens | undefined, { responseHeader, values }: HandlerContext): void {
  if (!tokens) return;
  noteSignedIn(values, tokens.accessToken);
  const maxAge = tokens.refreshExpiresIn;
  // An expired access token still stays, as what derives from it proves the session to Refresh.
  const cookies = [
    { name: sessionCookie, value: tokens.accessToken, maxAge },
    { name: refreshCookie, value: tokens.refreshToken, maxAge },
    { name: csrfCookie, value: csrfTokenOf(tokens.accessToken), maxAge, readable: true },
  ];
  for (const cookie of cookies) responseHeader.append("set-cookie", writeCookie(cookie));
  tokens.accessToken = "";
  tokens.refreshToken = "";
}

function removeCookies(header: Headers): void {
  for (const name of [sessionCookie, refreshCookie, csrfCookie]) {
    header.append("set-cookie", writeCookie({ name, value: "", maxAge: 0, readable: name === csrfCookie }));
  }
}

function cookieOf({ requestHeader }: HandlerContext, name: string): string | undefined {
  return readCookie(requestHeader.get("cookie"), name);
}

function originOf({ requestHeader, values }: HandlerContext) {
  return { header: requestHeader, authority: values.get(arrivalKey)?.authority };
}
