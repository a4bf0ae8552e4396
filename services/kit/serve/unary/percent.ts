const percent = 37;
const plus = 43;
const space = 32;
const ampersand = "&";

/** The value of the first parameter of that name in a query, as it stands there; undefined without one. */
export function rawParameter(query: string, name: string): string | undefined {
  for (let start = 0; start <= query.length; ) {
    const found = query.indexOf(ampersand, start);
    const end = found < 0 ? query.length : found;
    if (query.startsWith(name, start) && query[start + name.length] === "=") {
      return query.slice(start + name.length + 1, end);
    }
    start = end + 1;
  }
  return undefined;
}

/**
 * The bytes of a percent-encoded value. A plus is a space, as in forms; a
 * percent sign without two hexadecimal digits stands for itself (WHATWG URL,
 * section 5.1). Unlike there the bytes need not be UTF-8.
 */
export function percentDecode(value: string): Uint8Array {
  const encoded = Buffer.from(value, "utf8");
  const bytes = Buffer.allocUnsafe(encoded.length);
  let length = 0;
  for (let at = 0; at < encoded.length; at += 1) {
    const byte = encoded[at]!;
    const high = byte === percent ? hexDigit(encoded[at + 1]) : -1;
    const low = high < 0 ? -1 : hexDigit(encoded[at + 2]);
    if (low >= 0) {
      bytes[length] = (high << 4) | low;
      at += 2;
    } else {
      bytes[length] = byte === plus ? space : byte;
    }
    length += 1;
  }
  return bytes.subarray(0, length);
}

function hexDigit(code: number | undefined): number {
  if (code === undefined) return -1;
  if (code >= 48 && code <= 57) return code - 48;
  const lower = code | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}
