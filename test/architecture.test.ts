import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { workloads } from "../services/kit/contract/workloads.js";

const root = fileURLToPath(new URL("..", import.meta.url));

interface Source {
  /** From the package root, with slashes. */
  readonly path: string;
  readonly text: string;
  /** Files of ours that it imports, from the package root. */
  readonly imports: readonly string[];
}

const slashed = (path: string) => path.split(sep).join("/");

function readSource(file: string): Source {
  const text = readFileSync(file, "utf8");
  const specifiers = [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*["'](\.[^"']*)["']/g)].map(
    ([, name]) => name,
  );
  const imports = specifiers.map((name) => slashed(relative(root, join(dirname(file), name ?? ""))));
  return {
    path: slashed(relative(root, file)),
    text,
    imports: imports.map((path) => path.replace(/\.js$/, ".ts")),
  };
}

const sources = readdirSync(join(root, "services"), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
  .map((entry) => readSource(join(entry.parentPath, entry.name)));

const services = [...workloads.keys()];
const ownerOf = (path: string) => path.split("/")[1] ?? "";

/** `importer → imported` wherever the rule is broken. */
function broken(of: (source: Source) => boolean, forbidden: (path: string, source: Source) => boolean) {
  return sources
    .filter(of)
    .flatMap((source) =>
      source.imports.filter((path) => forbidden(path, source)).map((path) => `${source.path} → ${path}`),
    );
}

describe("the import graph", () => {
  it("is read in full: every import of ours leads to a file", () => {
    const known = new Set(sources.map(({ path }) => path));
    const own = sources.flatMap(({ imports }) => imports).filter((path) => path.startsWith("services/"));
    expect(own.length).toBeGreaterThan(100);
    expect(own.filter((path) => ownerOf(path) === "kit" && !known.has(path))).toEqual([]);
  });

  it("never leads from the kit to anything else of ours", () => {
    const outside = (path: string) => !path.startsWith("services/kit/");
    expect(broken(({ path }) => ownerOf(path) === "kit", outside)).toEqual([]);
  });

  it("never leads from one service to another", () => {
    const another = (path: string, source: Source) => ![ownerOf(source.path), "kit"].includes(ownerOf(path));
    expect(broken(({ path }) => services.includes(ownerOf(path) as never), another)).toEqual([]);
  });

  it("never leads from the transcoder to the rest of the gateway", () => {
    const transcode = "services/gateway/transcode/";
    const rest = (path: string) => path.startsWith("services/gateway/") && !path.startsWith(transcode);
    expect(broken(({ path }) => path.startsWith(transcode), rest)).toEqual([]);
  });
});

describe("source files", () => {
  it("read the environment only where a process starts", () => {
    const starts = /^services\/(main|cli\/main|generate\/.*)\.ts$/;
    const readers = sources.filter(({ text }) =>
      /\bprocess\s*\.\s*env\b|\benv\b[^;]*from "node:process"/.test(text),
    );
    expect(readers.map(({ path }) => path).filter((path) => !starts.test(path))).toEqual([]);
  });

  it("are named for what they are", () => {
    const vague = /(^|[/.-])(utils?|helpers?|common|managers?)([/.-]|$)/;
    expect(sources.map(({ path }) => path).filter((path) => vague.test(path))).toEqual([]);
  });

  it("give a router's services no options, which would replace the chain", () => {
    const calls = sources.flatMap(({ path, text }) => argumentsOf(text).map((args) => ({ path, args })));
    expect(calls.length).toBeGreaterThan(0);
    expect(calls.filter(({ args }) => args.length !== 2)).toEqual([]);
  });
});

describe("the search for options of a service", () => {
  it("sees a third argument however it is written", () => {
    expect(argumentsOf("r.service(S, { a: [1, 2], b() {} })")[0]).toHaveLength(2);
    expect(argumentsOf("r.service(S, f(a, b), { interceptors: [] })")[0]).toHaveLength(3);
    expect(argumentsOf("r\n  .service(\n  S,\n  h,\n  options,\n)")[0]).toHaveLength(3);
    expect(argumentsOf("r.service(...all)")[0]).toHaveLength(1);
  });
});

/** Arguments of each call of a method named `service`. */
function argumentsOf(text: string): string[][] {
  return [...text.matchAll(/\.service\s*\(/g)].map(({ index, 0: { length } }) => {
    const parts = [""];
    let depth = 0;
    for (const character of text.slice(index + length)) {
      if ("([{".includes(character)) depth += 1;
      if (")]}".includes(character)) depth -= 1;
      if (depth < 0) break;
      if (character === "," && depth === 0) parts.push("");
      else parts[parts.length - 1] += character;
    }
    return parts.map((part) => part.trim()).filter((part) => part !== "");
  });
}
