import { readFile } from "node:fs/promises";
import { connect, credsAuthenticator, type NatsConnection, type TlsOptions } from "nats";
import { errors } from "../../errors.js";

/** Where NATS is and how to prove who we are. Files are read once, at the start. */
export interface NatsServers {
  /** Such as `nats://nats-0:4222`; `tls://` demands TLS. The first may carry a user and a password. */
  readonly servers: readonly string[];
  /** A `.creds` file with a user's JWT and seed. */
  readonly credentialsFile?: string | undefined;
  /** Authorities to trust instead of the system's, in PEM. */
  readonly caFile?: string | undefined;
  /** Our certificate and its key, in PEM, where the server asks for one. */
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

/** A connection that comes and goes. */
export interface NatsLink {
  /** The connection while it stands; throws DEPENDENCY_UNAVAILABLE otherwise. */
  current(): NatsConnection;
  close(): Promise<void>;
}

const reconnectMs = 500;
const pingMs = 5_000;

/** DEPENDENCY_UNAVAILABLE for the bus. */
export function natsUnavailable(cause?: unknown) {
  return errors.dependencyUnavailable({ dependency: "The event bus" }, cause);
}

/**
 * Connects, and again whenever the connection is lost, until closed. Does not
 * wait for the first connection, as a process starts without its bus too.
 * Rejects when a file cannot be read.
 */
export async function natsLink(options: NatsServers): Promise<NatsLink> {
  const { credentialsFile } = options;
  const tls = await tlsOptions(options);
  const opening = connect({
    ...serversOf(options),
    ...(credentialsFile ? { authenticator: credsAuthenticator(await readFile(credentialsFile)) } : {}),
    ...(tls ? { tls } : {}),
    name: "consciousness-engine",
    waitOnFirstConnect: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: reconnectMs,
    ignoreAuthErrorAbort: true,
    // Two pings without an answer end a connection to a server that hangs.
    pingInterval: pingMs,
    maxPingOut: 2,
  });
  let connection: NatsConnection | undefined;
  let standing = false;
  let closed = false;
  opening.then(
    async (opened) => {
      if (closed) return opened.close();
      connection = opened;
      standing = true;
      for await (const { type } of opened.status()) {
        if (type === "reconnect") standing = true;
        if (type === "disconnect" || type === "staleConnection") standing = false;
      }
      standing = false;
    },
    () => undefined,
  );
  return {
    current() {
      // A message for a connection that is down would wait in memory.
      if (!connection || !standing || connection.isClosed()) throw natsUnavailable();
      return connection;
    },
    async close() {
      closed = true;
      await connection?.close();
    },
  };
}

/** The client takes addresses alone, and the user beside them. */
function serversOf({ servers }: NatsServers) {
  const urls = servers.map((server) => new URL(server));
  const { username = "", password = "" } = urls[0] ?? {};
  const user = username && { user: decodeURIComponent(username), pass: decodeURIComponent(password) };
  return { servers: urls.map(({ host }) => host), ...user };
}

async function tlsOptions({
  servers,
  caFile,
  certFile,
  keyFile,
}: NatsServers): Promise<TlsOptions | undefined> {
  const wanted = caFile ?? certFile ?? servers.some((server) => server.startsWith("tls://"));
  if (!wanted) return undefined;
  const read = async (file: string | undefined) => (file ? await readFile(file, "utf8") : undefined);
  const [ca, cert, key] = await Promise.all([caFile, certFile, keyFile].map(read));
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}
