import { createTransport } from "nodemailer";
import type { MailConfig } from "./config.js";

/** A message to one address, in plain text. */
export interface Message {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

/** Sends a message; rejects when the server does not take it, or when the signal aborts. */
export type SendMail = (message: Message, signal: AbortSignal) => Promise<void>;

const stepTimeoutMs = 10_000;

/** Sends by SMTP, each message on a connection of its own, which ends with it. */
export function createSender({ server, from }: MailConfig): SendMail {
  return async ({ to, subject, text }, signal) => {
    signal.throwIfAborted();
    const transport = createTransport({
      host: server.host,
      port: server.port,
      secure: server.implicitTls,
      requireTLS: server.requireTls,
      ...(server.user !== "" && { auth: { user: server.user, pass: server.password } }),
      connectionTimeout: stepTimeoutMs,
      greetingTimeout: stepTimeoutMs,
      socketTimeout: stepTimeoutMs,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
    try {
      // An object, so that nothing in the address is taken for a list of addresses.
      const recipient = { name: "", address: to };
      await Promise.race([transport.sendMail({ from, to: recipient, subject, text }), aborted]);
    } catch (error) {
      throw signal.aborted ? signal.reason : failure(error);
    } finally {
      transport.close();
    }
  };
}

/** What went wrong, without the server's words, which may quote the address or what signed us in. */
function failure(error: unknown): Error {
  const { code = "", responseCode = "" } = error as { code?: unknown; responseCode?: unknown };
  return new Error(`the mail server did not take the message: ${code} ${responseCode}`.trim());
}
