import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { maskSecrets } from "../../services/kit/mask-secrets.js";

const jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";
const pem = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----";

describe("maskSecrets masks", () => {
  it.each([
    ["a bearer token", "sent Bearer abcdef0123456789 on", "sent Bearer [redacted] on"],
    ["basic credentials", "basic dXNlcjpwYXNz", "basic [redacted]"],
    ["a JSON web token", `token was ${jwt}!`, "token was [redacted]!"],
    ["a JSON web token glued to other text", `x.${jwt}`, "x.[redacted]"],
    ["a PEM block", `key ${pem} read`, "key [redacted] read"],
    ["a PEM block that is cut off", `key ${pem.slice(0, 40)}`, "key [redacted]"],
    ["a password in a query", "?user=a&password=hunter2&x=1", "?user=a&password=[redacted]&x=1"],
    ["a password in JSON", '{"password": "hun\\"ter,2","a":1}', '{"password": "[redacted]","a":1}'],
    [
      "a password in JSON within JSON",
      '{\\"password\\":\\"hunter2\\",\\"a\\":1}',
      '{\\"password\\":\\"[redacted]\\",\\"a\\":1}',
    ],
    ["an API key header", "x-api-key: 12345 67", "x-api-key: [redacted] 67"],
    ["a refresh token", "refresh_token=ab.cd-ef", "refresh_token=[redacted]"],
    ["a camel-cased token", "accessToken: 'abc def'", "accessToken: '[redacted]'"],
    ["a token after its scheme", "token: Bearer abc", "token: [redacted]"],
    [
      "a whole authorization header",
      "Authorization: Digest a=1, b=2\nnext",
      "Authorization: [redacted]\nnext",
    ],
    ["all cookies", "cookie: a=1; b=2", "cookie: [redacted]"],
    ["a URL's password", "postgres://ada:s3:cr@t@db:5432/x", "postgres://ada:[redacted]@db:5432/x"],
    ["an API key", `key cek_abcdefgh_${"k-_".repeat(14)}k sent`, "key [redacted] sent"],
    ["an API key alone", `cek_abcdefgh_${"k".repeat(43)}`, "[redacted]"],
    ["a client secret", `"ces_${"s".repeat(43)}"`, '"[redacted]"'],
    ["a secret at the start", "secret=1", "secret=[redacted]"],
  ])("%s", (_, text, masked) => expect(maskSecrets(text)).toBe(masked));
});

describe("maskSecrets leaves alone", () => {
  it.each([
    "Sign in first: this method needs a bearer token.",
    "The token has expired. Refresh it or sign in again.",
    "0198c2f4-7b1e-7c3a-9f00-123456789abc took 12.5 ms at http://localhost:8000/api/v1?x=1",
    'password="" user="ada"',
    "",
  ])("%s", (text) => expect(maskSecrets(text)).toBe(text));
});

describe("maskSecrets, for any text,", () => {
  const part = fc.constantFrom(
    "password",
    "=",
    ":",
    '"',
    "'",
    "\\",
    " ",
    "bearer",
    "eyJ",
    "://",
    "@",
    "-----BEGIN ",
    "x\n",
  );

  it("never lets a password pass that stands in JSON", () => {
    fc.assert(
      fc.property(fc.string(), (secret) => {
        const masked = maskSecrets(JSON.stringify({ password: `<${secret}>`, after: 1 }));
        return masked === '{"password":"[redacted]","after":1}';
      }),
    );
  });

  it("keeps what is around the masks", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(part, fc.string())), (parts) => {
        const text = parts.join("");
        let from = 0;
        for (const kept of maskSecrets(text).split("[redacted]")) {
          const at = text.indexOf(kept, from);
          expect(at).toBeGreaterThanOrEqual(0);
          from = at + kept.length;
        }
      }),
    );
  });

  it.each([
    "a",
    "password ",
    'password="\\',
    "://",
    "://a:",
    "-----BEGIN ",
    "bearer ",
    "eyJ.",
    "token:Bearer\t",
    '"',
    "pwd='",
  ])("takes linear time on repetitions of %j", (piece) => {
    const started = performance.now();
    maskSecrets(piece.repeat(400_000 / piece.length));
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});
