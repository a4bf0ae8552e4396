import { type Agent, type IncomingMessage, request as plainRequest } from "node:http";
import { request as tlsRequest } from "node:https";
import type { ProviderConfig } from "../../config.js";
import { ProviderError } from "./provider-error.js";

/** What a provider is asked with. */
export interface ProviderPost {
  readonly config: ProviderConfig;
  readonly agent: Agent;
  /** JSON. */
  readonly body: string;
  /** Media types that the answer may have. */
  readonly accept: string;
  readonly signal: AbortSignal;
}

/**
 * Posts to a provider's `/chat/completions`. Resolves to the successful answer
 * once its head has come, its body unread. Redirects are not followed, since
 * they would carry the key to another host. Rejects with `ProviderError`.
 */
export function postToProvider({
  config,
  agent,
  body,
  accept,
  signal,
}: ProviderPost): Promise<IncomingMessage> {
  const url = new URL(`${config.baseUrl}/chat/completions`);
  const send = url.protocol === "https:" ? tlsRequest : plainRequest;
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(interrupted(signal));
    // Not by the option `signal`, which would stay on the connection when others use it.
    const sent = send(url, { method: "POST", agent, headers: headersOf(config, body, accept) });
    // Without an error, which a connection that is free again would have nobody to tell.
    const abort = () => sent.destroy();
    signal.addEventListener("abort", abort, { once: true });
    sent.once("close", () => signal.removeEventListener("abort", abort));
    const give = (error: ProviderError) => {
      stop();
      reject(error);
      sent.destroy();
    };
    const connecting = setTimeout(
      () => give(new ProviderError("connect_timeout", `gave no connection in ${config.connectTimeoutMs} ms`)),
      config.connectTimeoutMs,
    );
    const waiting = setTimeout(
      () => give(new ProviderError("first_byte_timeout", `was silent for ${config.firstByteTimeoutMs} ms`)),
      config.firstByteTimeoutMs,
    );
    const stop = () => {
      clearTimeout(connecting);
      clearTimeout(waiting);
    };
    sent.on("socket", (socket) => {
      const connected = () => clearTimeout(connecting);
      if (socket.connecting) socket.once(url.protocol === "https:" ? "secureConnect" : "connect", connected);
      else connected();
    });
    sent.on("response", (response) => {
      stop();
      // An answer that nobody reads any more may still fail, which would end the process.
      response.on("error", () => undefined);
      const refusal = refusalOf(response.statusCode ?? 0);
      if (!refusal) return resolve(response);
      // Its text is the provider's, and nobody reads it.
      response.destroy();
      reject(refusal);
    });
    sent.on("error", (error) => give(signal.aborted ? interrupted(signal) : unreachable(error)));
    sent.end(body);
  });
}

/** Why an aborted exchange ended: by its own budget, or by whoever waited for it. */
export function interrupted({ reason }: AbortSignal): ProviderError {
  const expired = reason instanceof Error && reason.name === "TimeoutError";
  return expired
    ? new ProviderError("timeout", "took too long")
    : new ProviderError("canceled", "was not waited for", { cause: reason });
}

function headersOf({ apiKey }: ProviderConfig, body: string, accept: string) {
  return {
    accept,
    "accept-encoding": "identity",
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
  };
}

function refusalOf(status: number): ProviderError | undefined {
  if (status >= 200 && status < 300) return undefined;
  const answered = `answered ${status}`;
  if (status === 429) return new ProviderError("overloaded", answered);
  if (status >= 500) return new ProviderError("failed", answered);
  if (status >= 300 && status < 400) return new ProviderError("redirected", answered);
  return new ProviderError([401, 403, 404].includes(status) ? "denied" : "refused", answered);
}

/** Names the code of the failure, such as ECONNREFUSED; never its text, which may hold the address. */
function unreachable(error: Error): ProviderError {
  const code = "code" in error ? String(error.code) : "network failure";
  return new ProviderError("unreachable", `is not reachable: ${code}`);
}
