import { describe, expect, it } from "vitest";
import { serve } from "./fixture.js";

const maxInt64 = "9223372036854775807";

describe("what path and query set", () => {
  it.each([
    ["R13: a nested field", "/v1/nested/a/b", { shelf: { inner: { name: "a" }, theme: "b" } }],
    ["R13: a timestamp", "/v1/time/2026-01-31T12%3A00%3A00Z", { at: "2026-01-31T12:00:00Z" }],
    ["R13: a oneof's member", "/v1/choice/x", { left: "x" }],
    ["R14: a number", "/v1/small/-7", { small: -7 }],
    ["R10: + is a space", "/v1/everything?text=a+b%2Bc", { text: "a b+c" }],
    ["R8: decoded once", "/v1/everything?text=%2525", { text: "%25" }],
    [
      "R20: a repeated key",
      "/v1/everything?tags=a&tags=b%2Cc&numbers=1&numbers=2",
      { tags: ["a", "b,c"], numbers: [1, 2] },
    ],
    [
      "R20: dotted paths",
      "/v1/everything?shelf.inner.name=a&shelf.theme=b",
      { shelf: { inner: { name: "a" }, theme: "b" } },
    ],
    [
      "R20: JSON names",
      "/v1/everything?displayName=a&wrappedText=b",
      { display_name: "a", wrapped_text: "b" },
    ],
    ["R20: proto names", "/v1/everything?display_name=a", { display_name: "a" }],
    [
      "R20: enums by name and number",
      "/v1/everything?colour=COLOUR_RED&colours=2&colours=COLOUR_RED",
      { colour: "COLOUR_RED", colours: ["COLOUR_BLUE", "COLOUR_RED"] },
    ],
    ["R20: an open enum's unknown number", "/v1/everything?colour=77", { colour: 77 }],
    [
      "R20: timestamps",
      "/v1/everything?at=2026-01-31T12:00:00.5%2B01:00",
      { at: "2026-01-31T11:00:00.500Z" },
    ],
    ["R20: durations", "/v1/everything?span=1.5s", { span: "1.500s" }],
    [
      "R20: field masks, in both spellings",
      "/v1/everything?mask=displayName,shelf.inner_name",
      { mask: "displayName,shelf.innerName" },
    ],
    [
      "R20: wrappers",
      "/v1/everything?wrapped_big=9223372036854775807&wrapped_flag=false",
      { wrapped_big: maxInt64, wrapped_flag: false },
    ],
    [
      "R20: 64 bits exactly",
      "/v1/everything?big=-9223372036854775808&natural=18446744073709551615&bigs=9007199254740993",
      { big: "-9223372036854775808", natural: "18446744073709551615", bigs: ["9007199254740993"] },
    ],
    ["R20: doubles", "/v1/everything?ratio=-1.5e3&single=Infinity", { ratio: -1500, single: "Infinity" }],
    ["R20: NaN", "/v1/everything?ratio=NaN", { ratio: "NaN" }],
    ["R20: bytes in both alphabets", "/v1/everything?blob=-_-_", { blob: "+/+/" }],
    ["R20: bytes", "/v1/everything?blob=%2B%2F%2B%2F", { blob: "+/+/" }],
    ["R20: booleans", "/v1/everything?flag=true", { flag: true }],
    ["R22: f= sets an optional string", "/v1/everything?maybe=", { maybe: "" }],
    ["R22: f sets it too", "/v1/everything?maybe", { maybe: "" }],
    ["R22: f= sets a wrapper", "/v1/everything?wrapped_text=", { wrapped_text: "" }],
    ["R20: empty pairs are nothing", "/v1/everything?&&text=a&", { text: "a" }],
    ["R20: = belongs to the value", "/v1/everything?text=a=b", { text: "a=b" }],
    [
      "R23: one member of a oneof",
      "/v1/everything?centre.name=a&centre.theme=b",
      { centre: { name: "a", theme: "b" } },
    ],
    ["R24: unknown ones where the method says so", "/v1/lenient?text=a&nope=1&shelf.nope=2", { text: "a" }],
  ])("%s: %s", async (_, target, input) => {
    const server = await serve();
    const answer = await server.send("GET", target);
    expect(answer.json).toMatchObject({});
    expect(answer.status).toBe(200);
    expect(server.seen.map((seen) => seen.input)).toEqual([input]);
  });

  const int32 = "must be a whole number from -2147483648 to 2147483647";
  const int64 = "must be a whole number from -9223372036854775808 to 9223372036854775807";
  it.each([
    ["R14", "/v1/small/x", `small: ${int32}`],
    ["R14", "/v1/small/2147483648", `small: ${int32}`],
    ["R14", "/v1/small/1.0", `small: ${int32}`],
    ["R14", "/v1/small/0x10", `small: ${int32}`],
    ["R14", "/v1/time/yesterday", "at: must be an RFC 3339 time such as 2026-01-31T12:00:00Z"],
    ["R14", "/v1/everything?big=9223372036854775808", `big: ${int64}`],
    ["R14", "/v1/everything?natural=-1", "natural: must be a whole number from 0 to 18446744073709551615"],
    ["R14", "/v1/everything?positive=-1", "positive: must be a whole number from 0 to 4294967295"],
    ["R14", "/v1/everything?flag=1", "flag: must be true or false"],
    ["R14", "/v1/everything?flag=TRUE", "flag: must be true or false"],
    ["R14", "/v1/everything?ratio=1,5", "ratio: must be a number"],
    ["R14", "/v1/everything?single=1e39", "single: must be a number of single precision"],
    ["R14", "/v1/everything?blob=a*", "blob: must be base64"],
    ["R14", "/v1/everything?blob=abcde", "blob: must be base64"],
    [
      "R14",
      "/v1/everything?colour=RED",
      "colour: must be one of COLOUR_UNSPECIFIED, COLOUR_RED, COLOUR_BLUE",
    ],
    ["R14", "/v1/everything?span=5", "span: must be seconds with an s behind them, such as 1.5s"],
    ["R14", "/v1/everything?wrapped_big=x", `wrapped_big: ${int64}`],
    ["R22", "/v1/everything?small=", `small: ${int32}`],
    ["R22", "/v1/everything?perhaps=", `perhaps: ${int32}`],
    ["R22", "/v1/everything?flag", "flag: must be true or false"],
    ["R21", "/v1/everything?text=a&text=a", "text: is given twice"],
    ["R21", "/v1/everything?display_name=a&displayName=b", "displayName: is given twice"],
    ["R15", "/v1/text/a?text=b", "text: is set by the path"],
    ["R15", "/v1/nested/a/b?shelf.theme=c", "shelf.theme: is set by the path"],
    ["R20", "/v1/everything?numbers=1,2", `numbers: ${int32}`],
    ["R20", "/v1/everything?labels=a", "labels: is a map, which a query cannot carry"],
    ["R20", "/v1/everything?labels.a=b", "labels.a: cannot reach into labels, which is a map"],
    ["R20", "/v1/everything?shelves=a", "shelves: is a list of messages, which a query cannot carry"],
    ["R20", "/v1/everything?shelves.name=a", "shelves.name: cannot reach into shelves, which is repeated"],
    ["R20", "/v1/everything?shelf=a", "shelf: is a message; name one of its fields"],
    ["R20", "/v1/everything?extra=a", "extra: takes any JSON, which a query cannot carry"],
    ["R23", "/v1/everything?left=a&right=1", "right: excludes left, which is set too"],
    ["R23", "/v1/everything?centre.name=a&left=b", "left: excludes centre, which is set too"],
    ["R23", "/v1/choice/x?right=1", "right: excludes left, which is set too"],
  ])("%s: refuses %s: %s", async (_, target, detail) => {
    const server = await serve();
    const answer = await server.send("GET", target);
    expect(answer.json).toMatchObject({
      status: 400,
      code: "INVALID_ARGUMENT",
      reason: "PARAMETER_INVALID",
      detail: `${detail}.`,
      type: "https://consciousness.ai/problems/parameter-invalid",
    });
    expect(server.seen).toEqual([]);
    expect(server.rejections).toMatchObject([{ status: 400, reason: "PARAMETER_INVALID" }]);
  });

  it.each([
    ["/v1/everything?txet=a", 'There is no field txet. Did you mean "text"?'],
    ["/v1/everything?texts=a", 'There is no field texts. Did you mean "text"?'],
    ["/v1/everything?shelf.nam=a", 'There is no field shelf.nam. Did you mean "shelf.name"?'],
    ["/v1/everything?text.x=a", "There is no field text.x."],
    ["/v1/everything?at.seconds=1", "There is no field at.seconds."],
    ["/v1/everything?extra.a=1", "There is no field extra.a."],
    ["/v1/everything?labels%5Ba%5D=b", 'There is no field labels[a]. Did you mean "labels"?'],
    ["/v1/everything?=a", "There is no field ."],
    ["/v1/everything?__proto__=a", "There is no field __proto__."],
    ["/v1/everything?constructor.name=a", "There is no field constructor.name."],
  ])("R24: refuses %s: %s", async (target, detail) => {
    const server = await serve();
    const answer = await server.send("GET", target);
    expect(answer.json).toMatchObject({ status: 400, reason: "FIELD_UNKNOWN", detail });
    expect(server.seen).toEqual([]);
  });

  it.each(["text=%", "text=%ff", "%zz=a"])("R12: refuses the malformed query %s", async (query) => {
    const answer = await (await serve()).send("GET", `/v1/everything?${query}`);
    expect(answer.json).toMatchObject({ status: 400, reason: "URL_MALFORMED" });
  });

  it("R15, R16: a query never sets what the body carries", async () => {
    const server = await serve();
    const whole = await server.send("POST", "/v1/everything?text=a", { body: "{}" });
    const part = await server.send("PUT", "/v1/shelf/x?shelf.theme=a", { body: "{}" });
    const rest = await server.send("PUT", "/v1/shelf/x?small=3", { body: "{}" });
    expect(whole.json).toMatchObject({ reason: "PARAMETER_INVALID", detail: "text: belongs in the body." });
    expect(part.json).toMatchObject({
      reason: "PARAMETER_INVALID",
      detail: "shelf.theme: belongs in the body.",
    });
    expect(rest.status).toBe(200);
    expect(server.seen.map(({ input }) => input)).toEqual([{ shelf: { name: "x" }, small: 3 }]);
  });
});
