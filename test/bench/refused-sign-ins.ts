import { restClient } from "../support/rest.js";
import { median, type Row } from "./rows.js";
import { password, startAuth } from "./sign-ins.js";

const rounds = 60;
const warmUps = 5;
/** So many that no failure delays the next. */
const noDelays = { AUTH_ACCOUNT_FAILURES: "1000", AUTH_ADDRESS_FAILURES: "100000" };

interface Asked {
  readonly tenant?: string;
  readonly username: string;
}

const known: Asked = { username: "admin" };

/**
 * How long a wrong password takes to be refused, by who is asked for, one after
 * the other in each round: what an attacker learns of accounts by the clock.
 */
export async function refusing(): Promise<Row[]> {
  const platform = await startAuth(noDelays);
  const others: Record<string, Asked> = {
    "an unknown account": { username: "nobody" },
    "a disabled account": { username: await disabledAccount(platform.url) },
    "an unknown tenant": { tenant: "nowhere", username: "admin" },
  };
  const all = Object.entries({ "a known account": known, ...others });
  const times = new Map(all.map(([name]) => [name, [] as number[]]));
  for (let round = -warmUps; round < rounds; round += 1) {
    // Whoever comes first in a round differs, since what comes before may cost what comes after.
    for (let at = 0; at < all.length; at += 1) {
      const [name, asked] = all[(at + round + warmUps) % all.length] as [string, Asked];
      const ms = await refusedIn(platform.url, asked);
      if (round >= 0) times.get(name)?.push(ms);
    }
  }
  await platform.stop();
  const base = median(times.get("a known account") ?? []);
  return [...times].map(([name, ms]) => ({
    measure: `refused sign-in to ${name}`,
    value: Math.round(median(ms) * 100) / 100,
    unit: "ms",
    ratio: median(ms) / base,
    to: "a known account",
  }));
}

async function refusedIn(url: string, asked: Asked): Promise<number> {
  const begun = performance.now();
  const body = { ...asked, password: "a wrong password" };
  const { status } = await restClient(url)("POST", "/api/v1/auth/login", body);
  const ms = performance.now() - begun;
  if (status !== 401) throw new Error(`a sign-in was answered with ${status}`);
  return ms;
}

/** Name of an account that somebody has disabled. */
async function disabledAccount(url: string): Promise<string> {
  const { body } = await restClient(url)("POST", "/api/v1/auth/login", { ...known, password });
  const rest = restClient(url, body.tokens.access_token);
  const invitation = await rest("POST", "/api/v1/auth/invitations", {});
  const account = { username: "disabled", password: "another pass phrase, for benches" };
  const request = { ...account, invitation_token: invitation.body.token };
  const made = await rest("POST", "/api/v1/auth/register", request);
  const { status } = await rest("PATCH", `/api/v1/users/${made.body.user_id}`, { active: false });
  if (status !== 200) throw new Error(`disabling an account was answered with ${status}`);
  return account.username;
}
