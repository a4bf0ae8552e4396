import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { expect } from "vitest";
import { type DevtoolsEvent, devtoolsOver } from "./devtools.js";

/** One page in a real browser. */
export interface Page {
  open(url: string): Promise<void>;
  /** The value of an expression, which may be a promise of it. */
  evaluate<T>(expression: string): Promise<T>;
  /** Waits for the element and clicks it. */
  click(selector: string): Promise<void>;
  /** Types into the element. */
  type(selector: string, text: string): Promise<void>;
  /** Waits until the element's text has this in it. */
  shows(selector: string, text: string): Promise<void>;
  screenshot(file: string): Promise<void>;
  /** What the page complained of: errors, exceptions, and breaches of its policy. */
  complaints(): string[];
  /** Every URL that was asked for. */
  requests(): string[];
}

/** A running browser. */
export interface Chromium {
  newPage(): Promise<Page>;
  close(): Promise<void>;
}

/** Starts a headless Chromium with a profile of its own. */
export async function startChromium(program = process.env.CHROMIUM ?? "chromium"): Promise<Chromium> {
  const profile = await mkdtemp(join(tmpdir(), "chromium-"));
  const browser = spawn(
    program,
    // Containers give no user namespaces, which the sandbox is made of; only pages of ours are opened.
    [
      "--headless=new",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--no-first-run",
      "--window-size=1200,1600",
      "--remote-debugging-pipe",
      `--user-data-dir=${profile}`,
    ],
    { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] },
  );
  const gone = once(browser, "exit");
  const [, , , input, output] = browser.stdio;
  const devtools = devtoolsOver(input as Writable, output as Readable);
  return {
    async newPage() {
      const { targetId } = await devtools.send("Target.createTarget", { url: "about:blank" });
      const { sessionId } = await devtools.send("Target.attachToTarget", { targetId, flatten: true });
      const send = (method: string, params?: object) => devtools.send(method, params, sessionId);
      for (const domain of ["Page", "Runtime", "Log", "Network"]) await send(`${domain}.enable`);
      return pageOf(send, devtools.events);
    },
    async close() {
      await devtools.send("Browser.close");
      await gone;
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

type Send = ReturnType<typeof devtoolsOver>["send"];

function pageOf(
  send: (method: string, params?: object) => ReturnType<Send>,
  events: readonly DevtoolsEvent[],
): Page {
  const evaluate = async <T>(expression: string): Promise<T> => {
    const { result, exceptionDetails } = await send("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value as T;
  };
  const element = (selector: string) => `document.querySelector(${JSON.stringify(selector)})`;
  const present = (selector: string) =>
    expect
      .poll(() => evaluate<boolean>(`${element(selector)} !== null`), { timeout: 20_000, message: selector })
      .toBe(true);
  return {
    evaluate,
    async open(url) {
      await send("Page.navigate", { url });
    },
    async click(selector) {
      await present(selector);
      await evaluate(`${element(selector)}.click()`);
    },
    async type(selector, text) {
      await present(selector);
      await evaluate(`${element(selector)}.focus()`);
      await send("Input.insertText", { text });
    },
    async shows(selector, text) {
      const shown = () => evaluate<string>(`${element(selector)}?.textContent ?? ""`);
      await expect.poll(shown, { timeout: 20_000, message: selector }).toContain(text);
    },
    async screenshot(file) {
      const { data } = await send("Page.captureScreenshot", { format: "png" });
      await writeFile(file, Buffer.from(data, "base64"));
    },
    complaints: () => events.flatMap(complaintOf),
    requests: () =>
      events
        .filter(({ method }) => method === "Network.requestWillBeSent")
        .map(({ params }) => params.request.url),
  };
}

function complaintOf({ method, params }: DevtoolsEvent): string[] {
  if (method === "Runtime.exceptionThrown") return [params.exceptionDetails.text];
  if (method === "Log.entryAdded" && params.entry.level === "error") return [params.entry.text];
  return [];
}
