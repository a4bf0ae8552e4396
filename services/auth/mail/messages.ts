import type { Message } from "./send.js";

/** What a message is about: whose account, and the token for it. */
export interface TokenMessage {
  readonly to: string;
  readonly username: string;
  readonly token: string;
  /** Base URL of the pages that take tokens. */
  readonly link: string | undefined;
}

/** Carries a reset token. */
export function resetMessage(message: TokenMessage): Message {
  return {
    to: message.to,
    subject: "Set a new password",
    text: `Somebody asked to set a new password for your account ${message.username}.

${howTo(message, "reset-password", "Set it")}

The token works once, for 30 minutes. If it was not you who asked, ignore this message: nothing has changed.
`,
  };
}

/** Carries a token that confirms an address. */
export function confirmationMessage(message: TokenMessage): Message {
  return {
    to: message.to,
    subject: "Confirm your e-mail address",
    text: `The account ${message.username} was registered with this address.

${howTo(message, "confirm-email", "Confirm that it is yours")}

The token works once, for 24 hours. If it was not you, ignore this message: the address is nobody's until it is confirmed.
`,
  };
}

/** Tells the owner of an address that it is in use. */
export function takenMessage(to: string): Message {
  return {
    to,
    subject: "You have an account already",
    text: `Somebody tried to register another account with this address, which belongs to yours.

If it was you, sign in, or ask for a new password. If not, ignore this message: nothing has changed.
`,
  };
}

// In the fragment, which browsers send to no server.
function howTo({ token, link }: TokenMessage, page: string, action: string): string {
  if (link === undefined) return `${action} with this token:\n\n${token}`;
  return `${action} at\n\n${link.replace(/\/$/, "")}/${page}#token=${token}`;
}
