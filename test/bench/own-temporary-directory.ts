import { constants } from "node:os";
import { takeTemporaryDirectory } from "../support/temporary-directory.js";

/** Gives a bench a temporary directory of its own, which goes when the bench ends, by a failure or a signal too. */
export function ownTemporaryDirectory(): void {
  process.once("exit", takeTemporaryDirectory("bench-"));
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => process.exit(128 + constants.signals[signal]));
  }
}
