/**
 * Thrown by compiled code that leaves an input to protobuf-es, which then reads
 * it after all or says exactly what is wrong. Made once: a stack would be slow.
 */
const declined = new Error("left to protobuf-es");

/** Gives the input up. */
export function decline(): never {
  throw declined;
}

/**
 * The result of compiled code, or undefined when it gave the input up. Any
 * error counts: compiled code knows valid input only, and what it meets may be none.
 */
export function attempt<I, O>(run: (input: I) => O, input: I): O | undefined {
  try {
    return run(input);
  } catch {
    return undefined;
  }
}
