/** A cookie that is about to be set. */
export interface Cookie {
  readonly name: string;
  readonly value: string;
  /** Seconds; 0 removes it. */
  readonly maxAge: number;
  /** Whether scripts of our own pages may read it. */
  readonly readable?: boolean;
}

/**
 * The value of a cookie in a `Cookie` header (RFC 6265, section 4.2.1). Undefined
 * when there is none, or more than one, of which nobody could tell the right one.
 */
export function readCookie(header: string | null, name: string): string | undefined {
  const values = (header ?? "")
    .split(";")
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
  return values.length === 1 && values[0] !== "" ? values[0] : undefined;
}

/** A `Set-Cookie` for this host alone, sent back over TLS and by our own pages alone. */
export function writeCookie({ name, value, maxAge, readable = false }: Cookie): string {
  const attributes = ["Path=/", "Secure", ...(readable ? [] : ["HttpOnly"]), "SameSite=Strict"];
  return [`${name}=${value}`, ...attributes, `Max-Age=${maxAge}`].join("; ");
}
