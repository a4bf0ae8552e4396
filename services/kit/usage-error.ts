/** The command line, or a file it names, asks for something that cannot be; its message is for who typed it. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
