import { describe, expect, it } from "vitest";
import { type SendOptions, serve } from "./fixture.js";

const json = (body: string, type = "application/json"): SendOptions => ({
  body,
  headers: { "content-type": type },
});

describe("bodies", () => {
  it.each([
    [
      "R16: *",
      "POST",
      "/v1/everything",
      '{"text":"a","shelf":{"theme":"b"}}',
      { text: "a", shelf: { theme: "b" } },
    ],
    ["R16: an empty body is an empty message", "POST", "/v1/everything", "", {}],
    [
      "R18: one field",
      "PUT",
      "/v1/shelf/x?small=2",
      '{"theme":"b"}',
      { shelf: { name: "x", theme: "b" }, small: 2 },
    ],
    ["R18: an empty body leaves the field unset", "POST", "/v1/at", "", {}],
    ["R18: null leaves it unset", "POST", "/v1/at", "null", {}],
    ["R18: a repeated field", "POST", "/v1/tags", '["a","b"]', { tags: ["a", "b"] }],
    ["R18: repeated messages", "POST", "/v1/shelves", '[{"name":"a"},{}]', { shelves: [{ name: "a" }, {}] }],
    ["R18: a scalar", "POST", "/v1/big", "5", { big: "5" }],
    ["R18: a scalar in quotes", "POST", "/v1/big", '"9007199254740993"', { big: "9007199254740993" }],
    ["R18: a map", "POST", "/v1/counts", '{"a":9007199254740993}', { counts: { a: "9007199254740993" } }],
    ["R18: an enum", "POST", "/v1/colour", '"COLOUR_RED"', { colour: "COLOUR_RED" }],
    ["R18: an empty string is present", "POST", "/v1/maybe", '""', { maybe: "" }],
    ["R18: a timestamp", "POST", "/v1/at", '"2026-01-31T12:00:00Z"', { at: "2026-01-31T12:00:00Z" }],
    [
      "R19: the path wins",
      "POST",
      "/v1/everything/p/q",
      '{"text":"b","shelf":{"name":"c","theme":"d"}}',
      { text: "p", shelf: { name: "q", theme: "d" } },
    ],
    [
      "R19: into a field",
      "PUT",
      "/v1/shelf/x",
      '{"name":"y","theme":"z"}',
      { shelf: { name: "x", theme: "z" } },
    ],
    [
      "R28: both names",
      "POST",
      "/v1/everything",
      '{"displayName":"a","wrapped_text":"b"}',
      { display_name: "a", wrapped_text: "b" },
    ],
    ["R28: both base64 alphabets", "POST", "/v1/everything", '{"blob":"-_-_"}', { blob: "+/+/" }],
    [
      "R28: null is unset",
      "POST",
      "/v1/everything",
      '{"text":null,"tags":null,"shelf":null,"left":null}',
      {},
    ],
    [
      "R28: 64 bits from a bare number",
      "POST",
      "/v1/everything",
      '{"big":9223372036854775807,"natural":18446744073709551615}',
      { big: "9223372036854775807", natural: "18446744073709551615" },
    ],
    [
      "R28: 64 bits from an exponent",
      "POST",
      "/v1/everything",
      '{"big":9.007199254740993e15,"bigs":[1e3,-9007199254740993.0]}',
      { big: "9007199254740993", bigs: ["1000", "-9007199254740993"] },
    ],
    [
      "R28: 64 bits within messages",
      "POST",
      "/v1/everything",
      '{"shelf":{"inner":{"size":9007199254740993}},"shelves":[{"size":9007199254740993}],"wrapped_big":9007199254740993}',
      {
        shelf: { inner: { size: "9007199254740993" } },
        shelves: [{ size: "9007199254740993" }],
        wrapped_big: "9007199254740993",
      },
    ],
    [
      "R28: 64 bits within Any",
      "POST",
      "/v1/everything",
      '{"detail":{"@type":"x/fixture.v1.Shelf","size":9007199254740993}}',
      { detail: { "@type": "type.googleapis.com/fixture.v1.Shelf", size: "9007199254740993" } },
    ],
    [
      "R28: long doubles",
      "POST",
      "/v1/everything",
      '{"ratio":0.10000000000000000001,"any_json":12345678901234567890,"extra":{"a":1e2}}',
      { ratio: 0.1, any_json: 12345678901234567000, extra: { a: 100 } },
    ],
    [
      "R28: numbers in strings stay strings",
      "POST",
      "/v1/everything",
      '{"text":"12345678901234567890","big":1e0}',
      { text: "12345678901234567890", big: "1" },
    ],
    [
      "R24: unknown fields where the method says so",
      "POST",
      "/v1/lenient",
      '{"text":"a","nope":{"x":[1]},"colour":"NOPE"}',
      { text: "a" },
    ],
    ["R17: none is read", "GET", "/v1/everything", "not JSON", {}],
  ])("%s: %s %s %s", async (_, method, target, body, input) => {
    const server = await serve();
    const answer = await server.send(method, target, json(body));
    expect(answer.status, answer.text).toBe(200);
    expect(server.seen.map((seen) => seen.input)).toEqual([input]);
  });

  it.each([
    ["POST", "/v1/everything", "{", "expected a name in quotes at line 1, column 2"],
    ["POST", "/v1/everything", '{"text":\n "a",}', "expected a name in quotes at line 2, column 6"],
    ["POST", "/v1/everything", '{"text" "a"}', 'expected ":" at line 1, column 9'],
    ["POST", "/v1/everything", '{"text":"a" "b"}', 'expected "," or "}" at line 1, column 13'],
    ["POST", "/v1/everything", '{"tags":["a" "b"]}', 'expected "," or "]" at line 1, column 14'],
    ["POST", "/v1/everything", '{"text":}', "expected a value at line 1, column 9"],
    ["POST", "/v1/everything", '{"text":secret}', "expected a value at line 1, column 9"],
    ["POST", "/v1/everything", '{"text":"a', "this string never ends at line 1, column 9"],
    [
      "POST",
      "/v1/everything",
      '{"text":"\\x"}',
      "this string has a control character or a broken escape at line 1, column 9",
    ],
    ["POST", "/v1/everything", '{"small":01}', "this is not a number at line 1, column 10"],
    ["POST", "/v1/everything", '{"small":-}', "this is not a number at line 1, column 10"],
    ["POST", "/v1/everything", "{} {}", "something follows the end of the JSON at line 1, column 4"],
    ["POST", "/v1/everything", '{"text":"a","text":"b"}', "a name given twice at line 1, column 13"],
    ["POST", "/v1/everything", '{"text":"a","te\\u0078t":"b"}', "a name given twice at line 1, column 13"],
    [
      "POST",
      "/v1/everything",
      '{"labels":{"__proto__":"b"}}',
      "the name __proto__ cannot be used at line 1, column 12",
    ],
    [
      "POST",
      "/v1/everything",
      '{"extra":{"\\u005f_proto__":"b"}}',
      "the name __proto__ cannot be used at line 1, column 11",
    ],
    [
      "POST",
      "/v1/everything",
      `{"any_json":${"[".repeat(101)}`,
      "nested deeper than 100 at line 1, column 112",
    ],
    ["POST", "/v1/everything", "[]", "it must be an object, not a list"],
    ["POST", "/v1/everything", "null", "it must be an object, not null"],
    ["POST", "/v1/everything", '{"text":5}', "text must be a string of valid Unicode, not 5"],
    ["POST", "/v1/everything", '{"text":"\\ud800"}', "text must be a string of valid Unicode"],
    ["POST", "/v1/everything", '{"flag":"true"}', "flag must be true or false"],
    [
      "POST",
      "/v1/everything",
      '{"small":1.5}',
      "small must be a whole number from -2147483648 to 2147483647, not 1.5",
    ],
    [
      "POST",
      "/v1/everything",
      '{"colour":"RED"}',
      "colour must be one of COLOUR_UNSPECIFIED, COLOUR_RED, COLOUR_BLUE",
    ],
    ["POST", "/v1/everything", '{"tags":"a"}', "tags must be a list, not a string"],
    ["POST", "/v1/everything", '{"tags":["a",null]}', "tags[1] must be a string of valid Unicode, not null"],
    ["POST", "/v1/everything", '{"labels":[]}', "labels must be an object, not a list"],
    [
      "POST",
      "/v1/everything",
      '{"labels":{"a b":1}}',
      'labels["a b"] must be a string of valid Unicode, not 1',
    ],
    [
      "POST",
      "/v1/everything",
      '{"shelf":{"inner":{"theme":{}}}}',
      "shelf.inner.theme must be a string of valid Unicode, not an object",
    ],
    [
      "POST",
      "/v1/everything",
      '{"shelves":[{},{"name":1}]}',
      "shelves[1].name must be a string of valid Unicode, not 1",
    ],
    ["POST", "/v1/everything", '{"shelves":[3]}', "shelves[0] must be an object, not 3"],
    ["POST", "/v1/everything", '{"at":"noon"}', "at must be an RFC 3339 time such as 2026-01-31T12:00:00Z"],
    ["POST", "/v1/everything", '{"wrapped_flag":3}', "wrapped_flag must be true or false, not 3"],
    [
      "POST",
      "/v1/everything",
      '{"detail":{"@type":"x/y.Z"}}',
      'detail must be an object whose "@type" is known here, not an object',
    ],
    ["POST", "/v1/everything", '{"left":"a","right":1}', "right excludes left, which is set too"],
    ["POST", "/v1/everything", '{"display_name":"a","displayName":"b"}', "display_name is given twice"],
    [
      "POST",
      "/v1/big",
      "9223372036854775808",
      "big must be a whole number from -9223372036854775808 to 9223372036854775807",
    ],
    [
      "POST",
      "/v1/big",
      "9007199254740992.5",
      "big must be a whole number from -9223372036854775808 to 9223372036854775807",
    ],
    [
      "POST",
      "/v1/big",
      "1e999999999",
      "big must be a whole number from -9223372036854775808 to 9223372036854775807",
    ],
    ["POST", "/v1/everything", '{"any_json":1e400}', "it has a number beyond the range of doubles"],
    ["POST", "/v1/everything", '{"any_json":{"a":[-1e400]}}', "it has a number beyond the range of doubles"],
    ["POST", "/v1/tags", "{}", "tags must be a list, not an object"],
  ])("refuses %s %s %s: %s", async (method, target, body, problem) => {
    const server = await serve();
    const answer = await server.send(method, target, json(body));
    expect(answer.json).toMatchObject({
      status: 400,
      code: "INVALID_ARGUMENT",
      reason: "BODY_MALFORMED",
      detail: `The body cannot be read: ${problem}.`,
    });
    expect(server.seen).toEqual([]);
    expect(server.rejections).toMatchObject([{ status: 400, reason: "BODY_MALFORMED", route: target }]);
  });

  it.each([
    ['{"txet":1}', 'There is no field txet. Did you mean "text"?'],
    [
      '{"shelf":{"inner":{"naem":1}}}',
      'There is no field shelf.inner.naem. Did you mean "shelf.inner.name"?',
    ],
    ['{"shelves":[{"x":1}]}', "There is no field shelves[0].x."],
    ['{"toString":1}', "There is no field toString."],
  ])("R24: refuses %s", async (body, detail) => {
    const answer = await (await serve()).send("POST", "/v1/everything", json(body));
    expect(answer.json).toMatchObject({ status: 400, reason: "FIELD_UNKNOWN", detail });
  });

  it("refuses a body that is not UTF-8", async () => {
    const answer = await (await serve()).send("POST", "/v1/everything", {
      body: Buffer.from([0x22, 0xff, 0x22]),
    });
    expect(answer.json).toMatchObject({
      reason: "BODY_MALFORMED",
      detail: "The body cannot be read: it is not UTF-8.",
    });
  });

  it.each([
    "application/json",
    "application/json; charset=utf-8",
    'application/json;charset="UTF-8"',
    "application/merge-patch+json",
    "APPLICATION/JSON",
  ])("reads %s", async (type) => {
    expect((await (await serve()).send("POST", "/v1/everything", json("{}", type))).status).toBe(200);
  });

  it.each([
    [
      "application/x-www-form-urlencoded",
      {},
      "application/x-www-form-urlencoded is not supported here; send application/json",
    ],
    ["text/plain", {}, "text/plain is not supported here; send application/json"],
    ["application/jsonp", {}, "application/jsonp is not supported here; send application/json"],
    [
      "application/json; charset=latin1",
      {},
      "application/json; charset=latin1 is not supported here; send UTF-8",
    ],
    [
      "application/json",
      { "content-encoding": "br" },
      "with the coding br is not supported here; send it by gzip or uncompressed",
    ],
  ])("answers 415 to %s", async (type, headers, problem) => {
    const server = await serve();
    const answer = await server.send("POST", "/v1/everything", {
      body: "{}",
      headers: { "content-type": type, ...headers },
    });
    expect(answer.json).toMatchObject({
      status: 415,
      reason: "MEDIA_TYPE_UNSUPPORTED",
      detail: `The body's type ${problem}.`,
    });
    expect(server.rejections).toMatchObject([{ status: 415 }]);
  });
});

describe("R29: HttpBody", () => {
  const bytes = Buffer.from([0, 255, 13, 10, 37]);
  const image = { body: bytes, headers: { "content-type": "image/png" } };

  it("goes up and down as it is", async () => {
    const server = await serve();
    const answer = await server.send("POST", "/v1/raw", image);
    expect(answer.headers.get("content-type")).toBe("image/png");
    expect(answer.headers.get("content-length")).toBe("5");
    expect(server.seen.map(({ input }) => input)).toEqual([
      { content_type: "image/png", data: bytes.toString("base64") },
    ]);
  });

  it("is a body field beside path and query, and a response_body", async () => {
    const server = await serve();
    const answer = await server.send("POST", "/v1/uploads/n1", image);
    await server.send("POST", "/v1/uploads?name=n2", image);
    expect(answer.headers.get("content-type")).toBe("image/png");
    const file = { content_type: "image/png", data: bytes.toString("base64") };
    expect(server.seen.map(({ input }) => input)).toEqual([
      { name: "n1", file },
      { name: "n2", file },
    ]);
  });

  it("without a type comes down as octets", async () => {
    const answer = await (await serve()).send("POST", "/v1/raw", { body: "x" });
    expect(answer.headers.get("content-type")).toBe("application/octet-stream");
  });
});

describe("R36: the mask of an update", () => {
  it.each([
    ["names what the body names", "PATCH", "/v1/update/x", '{"theme":"a","size":0}', "theme,size"],
    [
      "reaches into messages",
      "PATCH",
      "/v1/update/x",
      '{"inner":{"theme":"a","inner":{}}}',
      "inner.theme,inner.inner",
    ],
    ["names what null clears", "PATCH", "/v1/update/x", '{"inner":null,"theme":null}', "inner,theme"],
    ["leaves out what the path captures", "PATCH", "/v1/update/x", '{"name":"y","theme":"a"}', "theme"],
    ["is empty when the body names nothing", "PATCH", "/v1/update/x", "{}", ""],
    ["stays as given", "PATCH", "/v1/update/x?update_mask=size", '{"theme":"a"}', "size"],
    ["stays empty as given", "PATCH", "/v1/update/x?updateMask=", '{"theme":"a"}', ""],
    ["stays absent without a body", "PATCH", "/v1/update/x", "", undefined],
    ["stays absent for PUT", "PUT", "/v1/update/x", '{"theme":"a"}', undefined],
    ["stays absent under body *", "PATCH", "/v1/update-all/x", '{"shelf":{"theme":"a"}}', undefined],
  ])("%s", async (_, method, target, body, mask) => {
    const server = await serve();
    expect((await server.send(method, target, json(body))).status).toBe(200);
    const inputs = server.seen.map(({ input }) => input as { update_mask?: string });
    expect(inputs.map(({ update_mask }) => update_mask)).toEqual([mask]);
  });
});
