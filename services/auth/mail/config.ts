import { type ConfigSource, optionalText } from "../../kit/config.js";

/** How mail leaves. */
export interface MailConfig {
  readonly server: MailServer;
  /** Address that messages come from. */
  readonly from: string;
  /** Base URL of the pages that take tokens; absent where people paste them. */
  readonly link: string | undefined;
}

/** An SMTP server. */
export interface MailServer {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte (`smtps:`); else STARTTLS, which is required but on this machine. */
  readonly implicitTls: boolean;
  readonly requireTls: boolean;
  readonly user: string;
  readonly password: string;
}

const settings = {
  AUTH_MAIL_URL: optionalText({ secret: true }),
  AUTH_MAIL_FROM: optionalText(),
  AUTH_MAIL_LINK: optionalText(),
};

const expectedUrl = "smtp://[user:password@]host[:port], or smtps:, with ?tls=optional to go without TLS";

/** Reads how mail leaves; undefined when none does. */
export function readMailConfig(source: ConfigSource): MailConfig | undefined {
  const { AUTH_MAIL_URL: url, AUTH_MAIL_FROM: from = "", AUTH_MAIL_LINK: link } = source.read(settings);
  if (link !== undefined && !isHttpUrl(link)) {
    source.refuse({ name: "AUTH_MAIL_LINK", value: link, expected: "an http or https URL" });
  }
  if (url === undefined) return undefined;
  const server = parseServer(url);
  if (!server) source.refuse({ name: "AUTH_MAIL_URL", value: "(hidden)", expected: expectedUrl });
  if (!from.includes("@")) {
    source.refuse({ name: "AUTH_MAIL_FROM", value: from, expected: "the address that messages come from" });
  }
  return server && { server, from, link };
}

function parseServer(text: string): MailServer | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if ((url.protocol !== "smtp:" && url.protocol !== "smtps:") || url.hostname === "") return undefined;
  const implicitTls = url.protocol === "smtps:";
  const local = ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: Number(url.port) || (implicitTls ? 465 : 587),
    implicitTls,
    requireTls: !implicitTls && !local && url.searchParams.get("tls") !== "optional",
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
  };
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && ["http:", "https:"].includes(new URL(text).protocol);
}
