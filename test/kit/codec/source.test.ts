import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { createSource, literal, mayGenerateCode } from "../../../services/kit/codec/source.js";
import { compiledPath } from "../../support/compile.js";

// Reads and writes a message of a well-known file, and says whether code could be compiled for that.
const script = `
const { createCodecs } = await import(${JSON.stringify(compiledPath("services/kit/codec/codec.ts"))});
const { mayGenerateCode } = await import(${JSON.stringify(compiledPath("services/kit/codec/source.ts"))});
const { ApiSchema } = await import("@bufbuild/protobuf/wkt");
const codec = createCodecs()(ApiSchema);
process.stdout.write(mayGenerateCode() + codec.binaryToJson(codec.jsonToBinary('{"name":"x"}')));
`;

async function run(...flags: string[]): Promise<string> {
  const args = [...flags, "--input-type=module", "-e", script];
  return (await promisify(execFile)(process.execPath, args)).stdout;
}

test("where the process may not make code from text, protobuf-es codes messages", async () => {
  expect(await run("--disallow-code-generation-from-strings")).toBe('false{"name":"x"}');
  expect(await run()).toBe('true{"name":"x"}');
});

test("code under construction refers to values by name", () => {
  expect(mayGenerateCode()).toBe(true);
  const source = createSource({ double: (number: number) => 2 * number });
  const name = source.bind(21);
  expect(source.bind(21)).toBe(name);
  source.add(`const answer = double(${name});`);
  expect(source.build("answer")).toBe(42);
});

test("any text is a literal", () => {
  const text = 'quote " and \\ and \u2028';
  expect(createSource({}).build(literal(text))).toBe(text);
});
