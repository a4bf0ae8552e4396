import { describe, expect, it } from "vitest";
import { oauthErrorOf } from "../../../services/gateway/transcode/oauth-error.js";

describe("the error of a token endpoint", () => {
  it.each([
    ["CLIENT_CREDENTIALS_INVALID", 401, "invalid_client", 401],
    ["GRANT_EXCEEDED", 403, "invalid_scope", 400],
    ["GRANT_TYPE_UNSUPPORTED", 400, "unsupported_grant_type", 400],
    ["BODY_TOO_LARGE", 413, "invalid_request", 400],
    ["METHOD_NOT_ALLOWED", 405, "invalid_request", 405],
    ["RATE_LIMITED", 429, "temporarily_unavailable", 429],
    ["OVERLOADED", 503, "temporarily_unavailable", 503],
    ["INTERNAL", 500, "server_error", 500],
    [undefined, 500, "server_error", 500],
  ])("for %s, which is %i elsewhere, is %s with %i", (reason, elsewhere, error, status) => {
    expect(oauthErrorOf(reason, elsewhere)).toEqual({ error, status });
  });
});
