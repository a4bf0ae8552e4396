/**
 * Whether a text is a web origin as browsers send it (RFC 6454, section 6.2):
 * http or https, the host in lower case, a port only where it is not the
 * scheme's own, and nothing behind. `null` is none, and neither is a pattern.
 */
export function isOrigin(text: string): boolean {
  if (!/^https?:\/\/[^*]+$/.test(text) || !URL.canParse(text)) return false;
  return new URL(text).origin === text;
}

/** Host and port of an origin, as `Host` names them. */
export function hostOf(origin: string): string {
  return origin.slice(origin.indexOf("://") + 3);
}
