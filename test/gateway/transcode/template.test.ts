import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  parseTemplate,
  printTemplate,
  type Segment,
  type Template,
} from "../../../services/gateway/transcode/template.js";

describe("parseTemplate", () => {
  it.each([
    ["/v1/shelves", "/v1/shelves"],
    ["/v1/{name}", "/v1/{name}"],
    ["/v1/{name=*}", "/v1/{name}"],
    ["/v1/{a.b_c.d1=shelves/*}/books/*", "/v1/{a.b_c.d1=shelves/*}/books/*"],
    ["/v1/{name=**}", "/v1/{name=**}"],
    ["/v1/**/end", "/v1/**/end"],
    ["/v1/{name=**}/x/y:verb", "/v1/{name=**}/x/y:verb"],
    ["/v1/a%2fb", "/v1/a%2Fb"],
    ["/.well-known/jwks.json", "/.well-known/jwks.json"],
    ["/v1/it's,@me;a=b", "/v1/it's%2C%40me%3Ba%3Db"],
  ])("accepts %s", (text, printed) => {
    const parsed = parseTemplate(text);
    expect(parsed.ok && printTemplate(parsed.template)).toBe(printed);
  });

  it.each([
    ["", 1, 'a template starts with "/"'],
    ["v1", 1, 'a template starts with "/"'],
    ["/", 2, "a segment is empty"],
    ["/v1/", 5, "a segment is empty"],
    ["/v1//a", 5, "a segment is empty"],
    ["/v1/a*", 6, 'unexpected "*" after a segment'],
    ["/v1/*a", 6, 'unexpected "a" after a segment'],
    ["/v1/{a}b", 8, 'unexpected "b" after a segment'],
    ["/v1/a{b}", 6, 'unexpected "{" after a segment'],
    ["/v1/***", 7, 'unexpected "*" after a segment'],
    ["/v1/{a", 5, "this variable is never closed"],
    ["/v1/{a=b/*", 5, "this variable is never closed"],
    ["/v1/{a=}", 8, "a segment is empty"],
    ["/v1/{a={b}}", 8, "a variable cannot contain a variable"],
    ["/v1/{a=x:y}", 9, 'unexpected ":" in a variable'],
    ["/v1/{}", 6, '"" is not a field name'],
    ["/v1/{1a}", 6, '"1a" is not a field name'],
    ["/v1/{a..b}", 8, '"" is not a field name'],
    ["/v1/{a.b-c}", 8, '"b-c" is not a field name'],
    ["/v1/**/**", 8, 'only literals may follow "**"'],
    ["/v1/**/*", 8, 'only literals may follow "**"'],
    ["/v1/**/{a}", 8, 'only literals may follow "**"'],
    ["/v1/a?b", 6, '"?" must be percent-encoded'],
    ["/v1/é", 5, '"é" must be percent-encoded'],
    ["/v1/a%zz", 6, "a broken percent-escape"],
    ["/v1/a%C3", 6, "a broken percent-escape"],
    ["/v1/a:", 7, "the verb is empty"],
    ["/v1/a:b/c", 8, "the verb ends a template"],
    ["/v1/a:b:c", 8, 'unexpected ":"'],
    ["/v1/a}", 6, 'unexpected "}" after a segment'],
  ])("refuses %j at column %i: %s", (text, column, problem) => {
    expect(parseTemplate(text)).toEqual({ ok: false, column, problem });
  });

  it("reads back every template that it prints", () => {
    fc.assert(
      fc.property(templates, (template) => {
        const parsed = parseTemplate(printTemplate(template));
        expect(parsed.ok && { ...parsed.template, variables: plain(parsed.template) }).toEqual({
          ...template,
          variables: plain(template),
        });
      }),
    );
  });

  it("answers any text without throwing", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => void parseTemplate(text)));
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(..."/{}*=:.a%2F") }),
        (text) => void parseTemplate(`/${text}`),
      ),
    );
  });
});

function plain({ variables }: Template) {
  return variables.map(({ path, start, end }) => ({ path, start, end }));
}

const literal = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 6 })
  .map((text): Segment => ({ kind: "literal", text }));
const single = fc.constant<Segment>({ kind: "*" });
const name = fc.stringMatching(/^[a-z_][a-z0-9_]{0,4}$/);

const templates = fc
  .record({
    head: fc.array(fc.oneof(literal, single), { minLength: 1, maxLength: 5 }),
    rest: fc.option(fc.array(literal, { maxLength: 2 }), { nil: undefined }),
    verb: fc.oneof(fc.constant(""), fc.string({ unit: "grapheme", minLength: 1, maxLength: 4 })),
    cuts: fc.array(
      fc.tuple(fc.array(name, { minLength: 1, maxLength: 3 }), fc.nat(2), fc.integer({ min: 1, max: 2 })),
    ),
  })
  .map(({ head, rest, verb, cuts }): Template => {
    const segments: Segment[] = rest ? [...head, { kind: "**" }, ...rest] : head;
    const variables: Template["variables"][number][] = [];
    let next = 0;
    for (const [path, gap, length] of cuts) {
      const start = next + gap;
      const end = start + length;
      if (end > segments.length) break;
      variables.push({ path, start, end, column: 0 });
      next = end;
    }
    return { segments, variables, verb };
  });
