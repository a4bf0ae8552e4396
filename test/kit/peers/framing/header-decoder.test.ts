import { describe, expect, it } from "vitest";
import { type Field, HeaderDecoder } from "../../../../services/kit/peers/framing/header-decoder.js";

function reader(tableLimit = 4096) {
  const decoder = new HeaderDecoder(tableLimit);
  const read = (hex: string): Field[] => {
    const fields: Field[] = [];
    decoder.decode(Buffer.from(hex.replaceAll(/\s/g, ""), "hex"), (field) => fields.push(field));
    return fields;
  };
  return { decoder, read, list: (hex: string) => read(hex).map(({ name, value }) => `${name}: ${value}`) };
}

const firstRequest = [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"];
const thirdRequest = [
  ":method: GET",
  ":scheme: https",
  ":path: /index.html",
  ":authority: www.example.com",
  "custom-key: custom-value",
];
const date = "date: Mon, 21 Oct 2013 20:13:21 GMT";
const found = [":status: 302", "cache-control: private", date, "location: https://www.example.com"];

describe("header blocks of RFC 7541, appendix C", () => {
  it.each([
    [
      "a literal with indexing (C.2.1)",
      "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
      55,
    ],
    ["a literal without (C.2.2)", "040c 2f73 616d 706c 652f 7061 7468", 0],
    ["a literal never indexed (C.2.3)", "1008 7061 7373 776f 7264 0673 6563 7265 74", 0],
    ["an indexed field (C.2.4)", "82", 0],
  ])("%s leaves the table as it says", (_, hex, size) => {
    const { decoder, list } = reader();
    expect(list(hex)).toHaveLength(1);
    expect(decoder.tableSize).toBe(size);
  });

  it.each([
    [
      "plain (C.3)",
      "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
      "8286 84be 5808 6e6f 2d63 6163 6865",
      "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
    ],
    [
      "Huffman-coded (C.4)",
      "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
      "8286 84be 5886 a8eb 1064 9cbf",
      "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
    ],
  ])("requests come out as printed, %s", (_, first, second, third) => {
    const { decoder, list } = reader();
    expect(list(first)).toEqual(firstRequest);
    expect(decoder.tableSize).toBe(57);
    expect(list(second)).toEqual([...firstRequest, "cache-control: no-cache"]);
    expect(decoder.tableSize).toBe(110);
    expect(list(third)).toEqual(thirdRequest);
    expect(decoder.tableSize).toBe(164);
  });

  it.each([
    [
      "plain (C.5)",
      `4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133
       2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d`,
      "4803 3330 37c1 c0bf",
    ],
    [
      "Huffman-coded (C.6)",
      `4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6
       2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3`,
      "4883 640e ffc1 c0bf",
    ],
  ])("answers drive each other out of a table of 256 octets, %s", (_, first, second) => {
    const { decoder, list } = reader(256);
    expect(list(first)).toEqual(found);
    expect(decoder.tableSize).toBe(222);
    expect(list(second)).toEqual([":status: 307", ...found.slice(1)]);
    expect(decoder.tableSize).toBe(222);
  });
});

describe("a header block is refused for", () => {
  it.each([
    ["index 0", "80"],
    ["an index behind both tables", "be"],
    ["the name of an index behind both tables", "7f00 0161"],
    ["a string longer than itself", "0005 61"],
    ["a name that is missing", "00"],
    ["a value that is missing", "0001 61"],
    ["an index that does not end", "ff ff"],
    ["an index beyond all that is exact", "ff ff ff ff ff ff 7f"],
    ["a length beyond all that is exact", "007f ff ff ff ff ff 0f"],
    ["a table larger than was allowed", "3fe2 1f"],
    ["a size of the table behind a field", "8220"],
    ["wrong padding of a Huffman-coded string", "0081 00 0161"],
  ])("%s, with COMPRESSION_ERROR", (_, hex) => {
    expect(() => reader().read(hex)).toThrowError(expect.objectContaining({ errorCode: 9 }));
  });
});

describe("the dynamic table", () => {
  it("is emptied by an entry that is larger than all of it", () => {
    const { decoder, list } = reader(64);
    list("4001 6101 62");
    expect(decoder.tableSize).toBe(34);
    list(`4001 61 28 ${"62".repeat(40)}`);
    expect(decoder.tableSize).toBe(0);
  });

  it("shrinks and grows within what was allowed", () => {
    const { decoder, list } = reader();
    list("4001 6101 62");
    expect(list("20 3fe1 1f")).toEqual([]);
    expect(decoder.tableSize).toBe(0);
    expect(() => list("be")).toThrow();
  });

  it("never holds more than it may, however many entries come", () => {
    const { decoder, read } = reader();
    for (let i = 0; i < 1000; i += 1) read(`40 02 ${(0x6161 + i).toString(16)} 01 62`);
    expect(decoder.tableSize).toBeLessThanOrEqual(4096);
    expect(read("be")[0]?.value).toBe("b");
  });
});

describe("a field that no message may have", () => {
  it.each([
    ["an upper-case name", "0001 41 0162", '"A" is no name'],
    ["a name with a space", "0001 20 0162", "is no name"],
    ["an empty name", "0000 0162", "is no name"],
    ["a line feed", "0001 61 010a", "character"],
    ["a NUL", "0001 61 0100", "character"],
    ["space before its value", "0001 61 0220 62", "space"],
    ["what is about a connection", "000a 636f 6e6e 6563 7469 6f6e 0162", "not for HTTP/2"],
    ["what is about a connection, of the static table", "0f2a 0162", "not for HTTP/2"],
  ])("is told apart by %s", (_, hex, problem) => {
    expect(reader().read(hex)[0]?.problem).toContain(problem);
  });

  it("is none for usual ones", () => {
    expect(
      reader()
        .read("88 0001 61 0162 0001 61 00")
        .map(({ problem }) => problem),
    ).toEqual([undefined, undefined, undefined]);
  });
});
