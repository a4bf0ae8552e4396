import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../../kit/package-root.js";
import type { Lexicon } from "./lexicon.js";
import { type Manifest, type WeightFile, weightFiles } from "./manifest.js";

/** A manifest with the weights it speaks of. */
export interface ModelWeights {
  readonly manifest: Manifest;
  readonly safety: Int8Array;
  readonly affect: Int8Array;
  readonly clauses: Int8Array;
  readonly lexicon: Lexicon;
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
  const [safety, affect, clauses, lexicon] = weightFiles.map((file) =>
    readWeights(folder, file, manifest),
  ) as [Buffer, Buffer, Buffer, Buffer];
  return {
    manifest,
    safety: new Int8Array(safety),
    affect: new Int8Array(affect),
    clauses: new Int8Array(clauses),
    lexicon: parseLexicon(lexicon),
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
