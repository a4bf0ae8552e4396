/** What RFC 6749, section 5.2, makes of an error. */
export interface OauthError {
  readonly error: string;
  readonly status: number;
}

const named: Readonly<Record<string, OauthError>> = {
  CLIENT_CREDENTIALS_INVALID: { error: "invalid_client", status: 401 },
  GRANT_EXCEEDED: { error: "invalid_scope", status: 400 },
  GRANT_TYPE_UNSUPPORTED: { error: "unsupported_grant_type", status: 400 },
  METHOD_NOT_ALLOWED: { error: "invalid_request", status: 405 },
};

/** The error of a token endpoint for a reason that has this HTTP status elsewhere. */
export function oauthErrorOf(reason: string | undefined, status: number): OauthError {
  const known = named[reason ?? ""];
  if (known) return known;
  if (status === 429 || status === 503) return { error: "temporarily_unavailable", status };
  return status < 500 ? { error: "invalid_request", status: 400 } : { error: "server_error", status };
}
