import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../../kit/package-root.js";
import type { FrequencyTable } from "./frequency.js";
import type { Lexicon } from "./lexicon.js";
import type { Manifest, WeightFile } from "./manifest.js";
import type { SeenTable } from "./surprise.js";

/** A manifest with the weights it speaks of. */
export interface ModelWeights {
  readonly manifest: Manifest;
  readonly safety: Int8Array;
  readonly affect: Int8Array;
  readonly clauses: Int8Array;
  readonly lexicon: Lexicon;
  /** Words and pairs of words of ordinary text. */
  readonly seen: SeenTable;
  /** How common terms are in ordinary text. */
  readonly frequency: FrequencyTable;
  readonly tagging: Int8Array;
  /** SHA-256 in hex of the manifest, which holds those of the weights. */
  readonly digest: string;
}

/** Where the weights lie, in source and compiled alike. */
export function weightsFolder(): string {
  return join(packageRoot(), "services", "engine", "domain", "models", "weights");
}

/** Reads weights and checks them against their manifest; throws when they differ. */
export function loadModelWeights(folder: string = weightsFolder()): ModelWeights {
  const text = readFileSync(join(folder, "manifest.json"), "utf8");
  const manifest = JSON.parse(text) as Manifest;
  const read = (file: WeightFile) => readWeights(folder, file, manifest);
  return {
    manifest,
    safety: new Int8Array(read("safety.bin")),
    affect: new Int8Array(read("affect.bin")),
    clauses: new Int8Array(read("clauses.bin")),
    lexicon: parseLexicon(read("lexicon.bin")),
    seen: new Uint8Array(read("seen.bin")),
    frequency: new Uint8Array(read("frequency.bin")),
    tagging: new Int8Array(read("tags.bin")),
    digest: createHash("sha256").update(text).digest("hex"),
  };
}

function readWeights(folder: string, file: WeightFile, { files }: Manifest): Buffer {
  const bytes = readFileSync(join(folder, file));
  const digest = createHash("sha256").update(bytes).digest("hex");
  if (digest !== files[file])
    throw new Error(`the weights in ${file} are not those of the manifest: SHA-256 ${digest}`);
  return bytes;
}

/** Bytes of a lexicon: the hashes, then the valences, little-endian. */
export function lexiconBytes({ hashes, hundredths }: Lexicon): Buffer {
  const bytes = Buffer.alloc(6 * hashes.length);
  hashes.forEach((hash, at) => {
    bytes.writeUInt32LE(hash, 4 * at);
    bytes.writeInt16LE(hundredths[at] as number, 4 * hashes.length + 2 * at);
  });
  return bytes;
}

function parseLexicon(bytes: Buffer): Lexicon {
  const count = bytes.length / 6;
  return {
    hashes: Uint32Array.from({ length: count }, (_, at) => bytes.readUInt32LE(4 * at)),
    hundredths: Int16Array.from({ length: count }, (_, at) => bytes.readInt16LE(4 * count + 2 * at)),
  };
}
