import { describe, expect, it } from "vitest";
import { ConfigError, configSource } from "../../../services/kit/config.js";
import { tokenIssuer, tokenOrigin } from "../../../services/kit/tokens/issuer.js";

function read(issuer?: string): string {
  const source = configSource(issuer === undefined ? {} : { TOKEN_ISSUER: issuer });
  const { TOKEN_ISSUER } = source.read({ TOKEN_ISSUER: tokenIssuer() });
  source.finish();
  return TOKEN_ISSUER;
}

describe("the issuer of tokens", () => {
  it("is ours unless another is set", () => {
    expect(read()).toBe("https://consciousness.ai/auth");
    for (const issuer of [
      "https://api.example.com",
      "https://api.example.com/a/b",
      "http://127.0.0.1:8000",
    ]) {
      expect(read(issuer)).toBe(issuer);
    }
  });

  it.each([
    "api.example.com",
    "ftp://api.example.com",
    "https://api.example.com/",
    "https://api.example.com?a=b",
    "https://api.example.com?",
    "https://api.example.com#a",
    "https://user@api.example.com",
    'https://api.example.com/"x',
    "https://api.example.com/a b",
    "javascript:alert(1)",
  ])("is not %j", (issuer) => {
    expect(() => read(issuer)).toThrow(ConfigError);
  });

  it("names the origin of the API", () => {
    expect(tokenOrigin("https://api.example.com:8443/auth")).toBe("https://api.example.com:8443");
  });
});
