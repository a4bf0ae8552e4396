import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startPlatform, type TestPlatform } from "../support/platform.js";
import { type Chromium, type Page, startChromium } from "./chromium.js";

let platform: TestPlatform;
let chromium: Chromium;
let page: Page;
beforeAll(async () => {
  [platform, chromium] = await Promise.all([startPlatform(), startChromium()]);
  page = await chromium.newPage();
  await page.open(`${platform.url}/docs`);
});
afterAll(async () => {
  // For people to look at.
  if (process.env.SCREENSHOT) await page.screenshot(process.env.SCREENSHOT);
  await chromium.close();
  await platform.stop();
});

const operation = (service: string, method: string) => `#operations-${service}-${service}_${method}`;

/**
 * Presses Execute until there is an answer, as the page may lose a press right
 * after an operation opened. Each press takes back the answer to the one before,
 * so there is time between them.
 */
async function execute(operation: string, status: string): Promise<void> {
  const selector = `${operation} .live-responses-table tbody .response-col_status`;
  const patienceMs = 5000;
  let pressed = Number.NEGATIVE_INFINITY;
  const answer = async () => {
    const shown = await page.evaluate<string>(
      `document.querySelector(${JSON.stringify(selector)})?.textContent ?? ""`,
    );
    if (shown === "" && performance.now() - pressed > patienceMs) {
      await page.click(`${operation} .execute`);
      pressed = performance.now();
    }
    return shown;
  };
  await expect.poll(answer, { timeout: 40_000, interval: 200 }).toContain(status);
}

describe("the page at /docs in a browser", () => {
  it("lists every operation of the document", async () => {
    const document = await (await fetch(`${platform.url}/openapi.json`)).json();
    const items = Object.values((document as { paths: Record<string, object> }).paths);
    const count = items.flatMap((item) => Object.keys(item)).length;
    await expect
      .poll(() => page.evaluate("document.querySelectorAll('.opblock').length"), { timeout: 20_000 })
      .toBe(count);
  });

  it("executes a public operation against the live server", async () => {
    const health = operation("SystemService", "GetHealth");
    await page.click(`${health} .opblock-summary-control`);
    await execute(health, "200");
    await page.shows(`${health} .live-responses-table tbody .highlight-code`, "SERVING_STATUS_SERVING");
  });

  it("shows a call in a shell and in TypeScript", async () => {
    const create = operation("EngineService", "Process");
    await page.click(`${create} .opblock-summary-control`);
    await page.shows(`${create} .code-samples pre`, "curl -X POST");
    await page.click(`${create} .code-samples [role=tab]:nth-child(2)`);
    await page.shows(`${create} .code-samples pre`, "grpcurl -plaintext");
    await page.click(`${create} .code-samples [role=tab]:nth-child(3)`);
    await page.shows(`${create} .code-samples pre`, "createConnectTransport");
  });

  it("signs in with a bearer token for the operations that need one", async () => {
    const profile = operation("AuthService", "GetProfile");
    await page.click(`${profile} .opblock-summary-control`);
    await execute(profile, "401");
    await page.click(".auth-wrapper .authorize");
    await page.type(".modal-ux input", await platform.signIn());
    await page.click(".modal-ux button[type=submit]");
    await page.click(".modal-ux .btn-done");
    await page.click(`${profile} .execute`);
    await page.shows(`${profile} .live-responses-table tbody .response-col_status`, "200");
    await page.shows(`${profile} .live-responses-table tbody .highlight-code`, '"admin"');
  });

  it("asks no other host for anything, and breaks no rule of its policy", () => {
    const hosts = page
      .requests()
      .filter((url) => !url.startsWith("data:"))
      .map((url) => new URL(url).origin);
    expect(new Set(hosts)).toEqual(new Set([platform.url]));
    expect(page.complaints().filter((text) => !text.includes("status of 401"))).toEqual([]);
  });
});
