/** Cookie of the access token. Its prefix binds it to this host, to TLS and to every path (RFC 6265bis). */
export const sessionCookie = "__Host-session";
/** Cookie of the refresh token. */
export const refreshCookie = "__Host-refresh";
/** Cookie of the token that scripts of our own pages send back; the only one that they can read. */
export const csrfCookie = "__Host-csrf";
/** Header in which they send it. */
export const csrfHeader = "x-csrf-token";
/** Header that asks for a session in cookies: `cookie`. */
export const sessionHeader = "x-session";
