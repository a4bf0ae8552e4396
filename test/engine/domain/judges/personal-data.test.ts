import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { passesLuhn } from "../../../../services/engine/domain/judges/personal-data/card.js";
import { basisOf } from "../../../../services/engine/domain/judges/personal-data/finding.js";
import {
  findPersonalData,
  findTold,
  maskPersonalData,
} from "../../../../services/engine/domain/judges/personal-data/personal-data.js";

const found = (text: string) =>
  findPersonalData(text).map(({ type, span }) => [type, text.slice(span.start, span.end)]);

// Assembled, so that no scanner takes the test for a leak.
const key = (prefix: string, length: number) => prefix + "aB3xY9".repeat(10).slice(0, length);
const pem = ["-----BEGIN RSA PRIVATE KEY-----", "MIIabc123", "-----END RSA PRIVATE KEY-----"].join("\n");

describe("structured personal data", () => {
  it.each([
    ["Write to ann.lee+x@mail.example.org.", "email", "ann.lee+x@mail.example.org"],
    ["Card 4111 1111 1111 1111, thanks", "card", "4111 1111 1111 1111"],
    ["Card 5500-0055-5555-5559", "card", "5500-0055-5555-5559"],
    ["amex 378282246310005!", "card", "378282246310005"],
    ["４１１１１１１１１１１１１１１１", "card", "４１１１１１１１１１１１１１１１"],
    ["4111\u200b1111\u200b11111111", "card", "4111\u200b1111\u200b11111111"],
    ["IBAN DE89 3704 0044 0532 0130 00.", "iban", "DE89 3704 0044 0532 0130 00"],
    ["gb29nwbk60161331926819", "iban", "gb29nwbk60161331926819"],
    ["My SSN is 219-09-9999.", "ssn", "219-09-9999"],
    ["Host 192.168.17.4:8080", "ip", "192.168.17.4"],
    ["at 2001:db8:85a3::8a2e:370:7334.", "ip", "2001:db8:85a3::8a2e:370:7334"],
    ["Call +49 30 1234567 now", "phone", "+49 30 1234567"],
    ["Call (212) 555-0187 now", "phone", "(212) 555-0187"],
    ["Call 212-555-0187 now", "phone", "212-555-0187"],
    ["Call 1 212 555 0187 now", "phone", "1 212 555 0187"],
    ["Mobile: 0664 123 4567", "phone", "0664 123 4567"],
    ["Fax 345-899-3560x4587", "phone", "345-899-3560x4587"],
    ["my phone is 60-56-85-91", "phone", "60-56-85-91"],
    ["reach me on (37) 788-063", "phone", "(37) 788-063"],
    ["born on 12 March 1980 in Graz", "date_of_birth", "12 March 1980"],
    ["DOB: 03/12/1980", "date_of_birth", "03/12/1980"],
    ["meet at 48.20849, 16.37208", "coordinates", "48.20849, 16.37208"],
    ["at 48°12'30\"N 16°22'23\"E", "coordinates", "48°12'30\"N 16°22'23\"E"],
    ["my DNI is 12345678Z", "national_id", "12345678Z"],
    ["codice fiscale RSSMRA85T10A562S", "national_id", "RSSMRA85T10A562S"],
    ["CPF 529.982.247-25", "national_id", "529.982.247-25"],
    ["PESEL 44051401359", "national_id", "44051401359"],
    ["insurance number AB123456C", "national_id", "AB123456C"],
    ["passport number X1234567", "national_id", "X1234567"],
    ["Aadhaar 2345 6789 0124", "national_id", "2345 6789 0124"],
    ["the password is hunter22", "secret", "hunter22"],
    ['api_key = "q1w2e3r4t5"', "secret", "q1w2e3r4t5"],
    [`key ${key("AKIA", 16)} leaked`, "secret", key("AKIA", 16)],
    [`token ${key("ghp_", 36)}.`, "secret", key("ghp_", 36)],
    [`before\n${pem}\nafter`, "secret", pem],
  ])("is found in %j", (text, type, value) => {
    expect(found(text)).toEqual([[type, value]]);
  });

  it.each([
    "4111 1111 1111 1112", // checksum
    "1234 5678 9012 3452", // no issuer, though the checksum holds
    "0000 0000 0000 0000",
    "DE89 3704 0044 0532 0130 01", // checksum
    "DE89 3704",
    "000-12-3456",
    "666-12-3456",
    "912-12-3456",
    "123-00-4567",
    "123-45-0000",
    "127.0.0.1",
    "300.1.1.1",
    "version 1.2.3",
    "12:30:45",
    "Order 2125550187",
    "012-555-0187",
    "@handle and a @ b",
    "user@localhost",
    "sk-learn-is-a-nice-library-to-use",
    "-----BEGIN CERTIFICATE-----",
    "2024-01-02 to 2024-03-04",
    "on 2024-01-02 11:30:45",
    "from 1985-1995",
    "12 000 000 people",
    "12345678A", // check letter
    "529.982.247-26", // check digit
    "2345 6789 0123", // check digit
    "QQ123456C", // letters that are never given
    "12 March 1980", // nobody's birth
    "1.5, 2.5",
    "the password is on the fridge",
  ])("is not seen in %j", (text) => {
    expect(found(text)).toEqual([]);
  });

  it("scores 1 where a checksum holds and less where only the structure does", () => {
    const scores = findPersonalData("4111111111111111 a@b.example").map(({ type, score }) => [type, score]);
    expect(scores).toEqual([
      ["card", 1],
      ["email", 0.8],
    ]);
  });

  it("finds a card beside other digits that belong to nothing", () => {
    expect(found("12 4111 1111 1111 1111 7")).toEqual([["card", "4111 1111 1111 1111"]]);
  });

  it("finds a card with any issuer's checksum digit, and with no other", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^4[0-9]{14}$/), fc.nat(9), (body, last) => {
        const number = `${body}${last}`;
        const isCard = passesLuhn(number) && new Set(number).size > 1;
        expect(found(number).some(([type]) => type === "card")).toBe(isCard);
      }),
    );
  });
});

const fragments = fc.constantFrom(
  "4111 1111 1111 1111",
  "a.b@c.example",
  "DE89370400440532013000",
  "219-09-9999",
  "10.20.30.40",
  "+49 30 1234567",
  "212-555-0187",
  key("ghp_", 36),
  " ",
  ".",
  "-",
  "word",
  "7",
  "\u200b",
  "@",
  "[",
  "]",
  "+",
  "(",
);
const mixed = fc.array(fragments, { maxLength: 12 }).map((parts) => parts.join(""));

const told = (text: string) =>
  findTold(text).map(({ type, span }) => [type, text.slice(span.start, span.end)]);

describe("what is told and not masked", () => {
  it.each([
    ["see https://shop.example/a?b=1.", "url", "https://shop.example/a?b=1"],
    ["go to www.shop.example, please", "url", "www.shop.example"],
    ["ZIP: 3520", "postal_code", "3520"],
    ["my postcode is SW1A 1AA", "postal_code", "SW1A 1AA"],
  ])("is found in %j", (text, type, value) => {
    expect(told(text)).toContainEqual([type, value]);
    expect(maskPersonalData(text).text).toBe(text);
  });

  it.each(["http://", "www.", "zip the file", "3520 people"])("is not seen in %j", (text) => {
    expect(told(text).filter(([type]) => type === "url" || type === "postal_code")).toEqual([]);
  });

  it("says on what each finding stands", () => {
    const text = "Ask Katarina Lindholm, card 4111111111111111, mail a@b.example";
    const all = [...findPersonalData(text), ...findTold(text)];
    expect(new Map(all.map((one) => [one.type, basisOf(one)]))).toEqual(
      new Map([
        ["card", "checksum"],
        ["email", "pattern"],
        ["name", "best effort"],
      ]),
    );
  });
});

describe("masking", () => {
  it("puts the type in the place of each finding, and knows that place", () => {
    const { text, places } = maskPersonalData("Pay 4111111111111111 for a@b.example");
    expect(text).toBe("Pay [card] for [email]");
    expect(places.map(({ start, end }) => text.slice(start, end))).toEqual(["[card]", "[email]"]);
  });

  it("does not take a mask for what the text says of the number beside it", () => {
    const once = maskPersonalData("+49 30 1234567+49 30 1234567word212-555-0187").text;
    expect(maskPersonalData(once).text).toBe(once);
    expect(maskPersonalData("my phone is 555-0187").text).toBe("my phone is [phone]");
    expect(maskPersonalData("[phone] 555-0187").text).toBe("[phone] 555-0187");
  });

  it("is idempotent", () => {
    fc.assert(
      fc.property(mixed, (text) => {
        const once = maskPersonalData(text).text;
        expect(maskPersonalData(once)).toMatchObject({ text: once, findings: [] });
      }),
      { numRuns: 500 },
    );
  });

  it("has spans in order that do not overlap and lie in the text", () => {
    fc.assert(
      fc.property(fc.oneof(mixed, fc.string({ unit: "binary" })), (text) => {
        let last = 0;
        for (const { span } of findPersonalData(text)) {
          expect(span.start).toBeGreaterThanOrEqual(last);
          expect(span.end).toBeGreaterThan(span.start);
          expect(span.end).toBeLessThanOrEqual(text.length);
          last = span.end;
        }
      }),
    );
  });

  it("takes three seconds at most for long runs of what its finders begin at", () => {
    const start = performance.now();
    for (const unit of [
      "4",
      "1.",
      "@a",
      "-----BEGIN ",
      "DE8",
      "+1 ",
      "born 1 ",
      "1.1111, ",
      "x1",
      "password is a1",
    ])
      maskPersonalData(unit.repeat(5_000));
    expect(performance.now() - start).toBeLessThan(3000);
  });
});
