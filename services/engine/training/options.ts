import { parseArgs } from "node:util";

/** What training and evaluation are told. */
export interface Options {
  /** Folder of the data. */
  readonly data: string;
  /** Folder of the weights. */
  readonly out: string;
  /** Names of sources to leave out. */
  readonly drop: ReadonlySet<string>;
}

/** Reads `--data <folder>`, `--out <folder>` and any number of `--drop <source>`; throws on anything else. */
export function readOptions(args: readonly string[], out: string): Options {
  const { values } = parseArgs({
    args: [...args],
    options: { data: { type: "string" }, out: { type: "string" }, drop: { type: "string", multiple: true } },
  });
  if (values.data === undefined) throw new Error("--data <folder> says where the data lies");
  return { data: values.data, out: values.out ?? out, drop: new Set(values.drop ?? []) };
}
