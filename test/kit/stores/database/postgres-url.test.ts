import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  postgresUrlForm,
  readPostgresUrl,
  verifyFull,
} from "../../../../services/kit/stores/database/postgres-url.js";

describe("the URL of a database", () => {
  it("names host, port, user, password and database", () => {
    expect(readPostgresUrl("postgres://ada:p%40ss%2Fword@db.example:6432/engine")).toEqual({
      address: {
        host: "db.example",
        port: 6432,
        user: "ada",
        password: "p@ss/word",
        database: "engine",
        tls: false,
      },
    });
    expect(readPostgresUrl("postgresql://ada@[::1]/engine?sslmode=verify-full")).toEqual({
      address: { host: "::1", port: 5432, user: "ada", password: undefined, database: "engine", tls: true },
    });
  });

  it("takes any password that is encoded, and never quotes one in a problem", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 12, maxLength: 40 }), (password) => {
        const part = encodeURIComponent(password);
        const read = readPostgresUrl(`postgres://ada:${part}@db/engine`);
        expect(read).toMatchObject({ address: { password } });
        const refused = readPostgresUrl(`mysql://ada:${part}@db/engine`);
        expect(JSON.stringify(refused)).not.toContain(part);
      }),
    );
  });

  it.each([
    ["no URL", "db.example", postgresUrlForm],
    ["another scheme", "mysql://ada:x@db/engine", postgresUrlForm],
    ["no user", "postgres://db/engine", postgresUrlForm],
    ["no database", "postgres://ada:x@db", postgresUrlForm],
    ["a broken escape", "postgres://ada:%zz@db/engine", postgresUrlForm],
    [
      "TLS that does not verify",
      "postgres://ada:x@db/engine?sslmode=require",
      "sslmode=verify-full or disable",
    ],
    [
      "another parameter",
      "postgres://ada:x@db/engine?options=-c",
      "a URL without parameters other than sslmode",
    ],
  ])("is refused with %s", (_, url, problem) => {
    expect(readPostgresUrl(url)).toEqual({ problem });
  });

  it("leads to a verified connection", () => {
    const read = readPostgresUrl("postgres://ada@db/engine?sslmode=verify-full");
    if (!("address" in read)) return expect.fail("refused");
    expect(verifyFull(read.address, "PEM")).toEqual({ rejectUnauthorized: true, host: "db", ca: "PEM" });
    expect(verifyFull(read.address, undefined)).toEqual({ rejectUnauthorized: true, host: "db" });
  });
});
