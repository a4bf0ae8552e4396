import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { Code } from "@connectrpc/connect";
import { SMTPServer } from "smtp-server";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { AccountsService } from "#gen/ts/consciousness/auth/v1/accounts_service_pb.js";
import { createPost } from "../../services/auth/mail/post.js";
import { createSender } from "../../services/auth/mail/send.js";
import { newId } from "../../services/kit/ids.js";
import type { Served } from "../../services/kit/workload.js";
import { until } from "../support/until.js";
import { type Auth, password, startAuth, startService, testConfig } from "./support/auth.js";
import { expectRefusal } from "./support/expect-refusal.js";
import { methodsOf } from "./support/methods.js";

/** A message as an SMTP server got it. */
interface Received {
  readonly to: string[];
  readonly text: string;
}

/** A real SMTP server that keeps what it gets, and asks for a password when one is given. */
async function mailbox(options: { credentials?: string } = {}) {
  const messages: Received[] = [];
  const server = new SMTPServer({
    disabledCommands: ["STARTTLS"],
    authOptional: options.credentials === undefined,
    allowInsecureAuth: true,
    onAuth({ username, password: given }, _, done) {
      const right = `${username}:${given}` === options.credentials;
      done(right ? null : new Error("no such user"), right ? { user: username } : undefined);
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const to = session.envelope.rcptTo.map(({ address }) => address);
        messages.push({ to, text: readable(Buffer.concat(chunks).toString()) });
        done();
      });
    },
  });
  server.on("error", () => undefined);
  server.listen(0, "127.0.0.1");
  await once(server.server, "listening");
  return {
    messages,
    port: (server.server.address() as AddressInfo).port,
    stop: () => new Promise<void>((resolve) => server.close(resolve)),
  };
}

/** Undoes quoted-printable. */
function readable(text: string): string {
  return text
    .replace(/=\r?\n/g, "")
    .replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
}

const serverAt = (port: number) => ({
  host: "127.0.0.1",
  port,
  implicitTls: false,
  requireTls: false,
  user: "",
  password: "",
});

let auth: Auth;
let box: Awaited<ReturnType<typeof mailbox>>;
let served: Served;
beforeAll(async () => {
  auth = await startAuth();
  box = await mailbox();
  const mail = { server: serverAt(box.port), from: "engine@example.org", link: "https://console.example/" };
  const accounts = { ...testConfig.accounts, openRegistration: true, mail };
  const platform = { clock: auth.time.clock, database: async () => auth.database };
  served = await startService({ ...testConfig, accounts }, platform);
});
afterEach(() => {
  box.messages.splice(0);
});
afterAll(async () => {
  await served.stop?.();
  await box.stop();
  await auth.stop();
});

const accounts = () => methodsOf(served, AccountsService);
const arrived = (count = 1) => until(() => box.messages.length >= count);
const tokenIn = (message: Received | undefined) =>
  /#token=(c\w\w_[\w-]{43})/.exec(message?.text ?? "")?.[1] ?? "";
const newPassword = "four little ducks went out";
const freshAddress = () => `${newId()}@example.org`;

describe("a password reset by mail", () => {
  it.each(["username", "email"] as const)(
    "reaches the account's address by its %s, and works",
    async (by) => {
      const account = await auth.account({ email: freshAddress() });
      await accounts().requestPasswordReset({ account: account[by] });
      await arrived();
      const [message] = box.messages;
      expect(message?.to).toEqual([account.email]);
      expect(message?.text).toContain("https://console.example/reset-password#token=cpr_");
      await accounts().resetPassword({ token: tokenIn(message), newPassword });
      const { username } = account;
      await expect(auth.call().login({ username, password: newPassword })).resolves.toBeDefined();
    },
  );

  it("answers the same whether or not there is an account with an address, and sends nothing then", async () => {
    const [silent, disabled, known] = [
      await auth.account(),
      await auth.account({ email: freshAddress(), active: false }),
      await auth.account({ email: freshAddress() }),
    ];
    for (const account of ["nobody", "\0", silent.username, disabled.username, disabled.email]) {
      await expect(accounts().requestPasswordReset({ account })).resolves.toEqual(
        await accounts().requestPasswordReset({ tenant: "nowhere", account }),
      );
    }
    await accounts().requestPasswordReset({ account: known.username });
    await arrived();
    expect(box.messages.map(({ to }) => to)).toEqual([[known.email]]);
  });

  it("sends an account one message a minute", async () => {
    const [often, once] = [
      await auth.account({ email: freshAddress() }),
      await auth.account({ email: freshAddress() }),
    ];
    await accounts().requestPasswordReset({ account: often.username });
    await arrived();
    await accounts().requestPasswordReset({ account: often.username });
    await accounts().requestPasswordReset({ account: once.username });
    await arrived(2);
    auth.time.advance(60_000);
    await accounts().requestPasswordReset({ account: often.username });
    await arrived(3);
    expect(box.messages.map(({ to }) => to[0])).toEqual([often.email, once.email, often.email]);
  });
});

describe("an address that somebody registers with", () => {
  it("is the account's when its owner confirms it, once, within a day", async () => {
    const [username, email] = [newId(), freshAddress()];
    await accounts().register({ username, password, email });
    await arrived();
    const profile = async () => (await auth.call().login({ username, password })).profile;
    expect((await profile())?.email).toBe("");
    const token = tokenIn(box.messages[0]);
    await accounts().confirmEmail({ token });
    expect((await profile())?.email).toBe(email);
    const again = accounts().confirmEmail({ token });
    await expectRefusal(again, Code.Unauthenticated, "EMAIL_CONFIRMATION_INVALID");
    await accounts().register({ username: newId(), password, email: freshAddress() });
    await arrived(2);
    auth.time.advance(86_400_000);
    const late = accounts().confirmEmail({ token: tokenIn(box.messages[1]) });
    await expectRefusal(late, Code.Unauthenticated, "EMAIL_CONFIRMATION_INVALID");
  });

  it("is told to be taken to its owner alone", async () => {
    const { email } = await auth.account({ email: freshAddress() });
    const [taken, free] = [newId(), newId()];
    await expect(accounts().register({ username: taken, password, email })).resolves.toBeDefined();
    await arrived();
    expect(box.messages[0]).toMatchObject({ to: [email] });
    expect(box.messages[0]?.text).toContain("You have an account already");
    await accounts().register({ username: free, password, email: freshAddress() });
    const seen = async (username: string) => (await auth.call().login({ username, password })).profile?.email;
    expect([await seen(taken), await seen(free)]).toEqual(["", ""]);
    await arrived(2);
  });

  it("is the account's that confirms it first", async () => {
    const email = freshAddress();
    await accounts().register({ username: newId(), password, email });
    await arrived();
    auth.time.advance(60_000);
    await accounts().register({ username: newId(), password, email });
    await arrived(2);
    await accounts().confirmEmail({ token: tokenIn(box.messages[1]) });
    const second = accounts().confirmEmail({ token: tokenIn(box.messages[0]) });
    await expectRefusal(second, Code.Unauthenticated, "EMAIL_CONFIRMATION_INVALID");
  });
});

describe("the post", () => {
  const message = { to: "ada@example.org", subject: "Hello", text: "Hello" };

  it("takes no more than it has places for, and gives them free again", async () => {
    let finish = () => {};
    const sent = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const post = createPost({ send: () => sent, onFailure: () => {}, places: 2, delayMs: 0 });
    post.reserve().use(async () => message);
    const unused = post.reserve();
    expect(() => post.reserve()).toThrow(expect.objectContaining({ code: Code.ResourceExhausted }));
    unused.release();
    unused.release();
    post.reserve().use(async () => undefined);
    expect(() => post.reserve()).toThrow(expect.objectContaining({ code: Code.ResourceExhausted }));
    finish();
    await post.stop();
    expect(() => post.reserve()).not.toThrow();
  });

  it("gives up a message at its deadline, and tells of it", async () => {
    const failures: unknown[] = [];
    const onFailure = (cause: unknown) => void failures.push(cause);
    const deaf = createPost({
      send: (_, signal) =>
        new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
      onFailure,
      delayMs: 0,
      deadlineMs: 20,
    });
    deaf.reserve().use(async () => message);
    await deaf.stop();
    expect(failures).toEqual([expect.objectContaining({ name: "TimeoutError" })]);
  });

  it("gives up what is under way when the process has waited for it", async () => {
    const failures: unknown[] = [];
    const post = createPost({
      send: (_, signal) =>
        new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
      onFailure: (cause) => void failures.push(String(cause)),
      delayMs: 0,
      graceMs: 20,
    });
    post.reserve().use(async () => message);
    await post.stop();
    expect(failures).toEqual(["Error: the process stops"]);
  });

  it("finds out nothing before the call that asks has been answered", async () => {
    const post = createPost({ send: async () => {}, onFailure: () => {}, delayMs: 5 });
    let begun = false;
    post.reserve().use(async () => {
      begun = true;
      return undefined;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(begun).toBe(false);
    await post.stop();
    expect(begun).toBe(true);
  });
});

describe("sending", () => {
  const message = { to: "ada@example.org", subject: "Hello", text: "Hello" };
  const never = new AbortController().signal;

  it("signs in to the server, and fails without a word of address or secret when that refuses", async () => {
    const guarded = await mailbox({ credentials: "engine:secret" });
    const from = "engine@example.org";
    const sender = (given: string) =>
      createSender({
        server: { ...serverAt(guarded.port), user: "engine", password: given },
        from,
        link: undefined,
      });
    await sender("secret")(message, never);
    expect(guarded.messages).toHaveLength(1);
    const refusal = await sender("wrong one")(message, never).catch((error) => error);
    expect(String(refusal)).toMatch(/mail server/);
    expect(JSON.stringify([String(refusal), refusal.cause])).not.toMatch(/ada@|wrong one/);
    await guarded.stop();
  });

  it("requires TLS of a server that has none", async () => {
    const server = { ...serverAt(box.port), requireTls: true };
    const send = createSender({ server, from: "engine@example.org", link: undefined });
    await expect(send(message, never)).rejects.toThrow(/mail server/);
    expect(box.messages).toEqual([]);
  });

  it("takes no header or second address from an address", async () => {
    const send = createSender({ server: serverAt(box.port), from: "engine@example.org", link: undefined });
    const to = "ada@example.org\r\nBcc: eve@example.org, mallory@example.org";
    await send({ ...message, to }, never).catch(() => undefined);
    const reached = box.messages.flatMap((received) => received.to);
    expect(reached).not.toContain("eve@example.org");
    expect(reached).not.toContain("mallory@example.org");
  });
});
