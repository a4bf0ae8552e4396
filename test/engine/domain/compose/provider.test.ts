import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { ProviderConfig } from "../../../../services/engine/config.js";
import { createProviderComposer } from "../../../../services/engine/domain/compose/provider.js";
import { never } from "../../fixture.js";

type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void;

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** A local server that answers each request in turn; the last answer repeats. */
async function standIn(...answers: Answer[]) {
  const requests: { url: string | undefined; key: string | undefined; body: string }[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    requests.push({ url: request.url, key: request.headers.authorization, body });
    (answers[requests.length - 1] ?? answers.at(-1))?.(request, response, body);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, requests };
}

const says =
  (content: unknown): Answer =>
  (_, response) =>
    response.end(JSON.stringify({ choices: [{ message: { content } }] }));
const fails =
  (status: number): Answer =>
  (_, response) =>
    response.writeHead(status).end("private text of the provider");

const composer = (baseUrl: string, overrides: Partial<ProviderConfig> = {}) =>
  createProviderComposer({
    id: "local",
    baseUrl,
    model: "small",
    apiKey: "key-123",
    timeoutMs: 5_000,
    retries: 1,
    retryDelayMs: 1,
    mostBytes: 10_000,
    ...overrides,
  });
const question = {
  question: "When?",
  evidence: [{ number: 1, title: "T", source: "knowledge" as const, text: "At noon.", score: 1 }],
  idf: () => 1,
  instructions: "Be brief.",
};
const failure = (one: ReturnType<typeof composer>, signal = never) =>
  Promise.resolve(one.compose(question, signal)).then(
    () => "",
    (error: Error) => error.message,
  );

describe("a provider", () => {
  it("is asked with the agent's instructions, the evidence and the key", async () => {
    const { baseUrl, requests } = await standIn(says(" At noon. "));
    expect(await composer(baseUrl).compose(question, never)).toEqual({ composed: true, content: "At noon." });
    const [sent] = requests;
    expect(sent).toMatchObject({ url: "/v1/chat/completions", key: "Bearer key-123" });
    const { model, temperature, messages } = JSON.parse(sent?.body ?? "");
    expect({ model, temperature }).toEqual({ model: "small", temperature: 0 });
    expect(messages[0].content).toContain("Be brief.");
    expect(messages[1].content).toContain("[1] T\nAt noon.");
  });

  it("without a key gets none, and without evidence is told so", async () => {
    const { baseUrl, requests } = await standIn(says("no"));
    await composer(baseUrl, { apiKey: undefined }).compose({ ...question, evidence: [] }, never);
    expect(requests[0]?.key).toBeUndefined();
    expect(requests[0]?.body).toContain("(none)");
  });

  it("that has nothing to say composes nothing", async () => {
    const { baseUrl } = await standIn(says("  "));
    expect(await composer(baseUrl).compose(question, never)).toMatchObject({ composed: false });
  });

  it.each([429, 500, 503])("is asked again after %i", async (status) => {
    const { baseUrl, requests } = await standIn(fails(status), says("At noon."));
    expect(await composer(baseUrl).compose(question, never)).toMatchObject({ composed: true });
    expect(requests).toHaveLength(2);
  });

  it("is not asked again after a refusal, whose text stays there", async () => {
    const { baseUrl, requests } = await standIn(fails(401));
    expect(await failure(composer(baseUrl))).toBe("answered 401");
    expect(requests).toHaveLength(1);
  });

  it.each<[string, Answer, string]>([
    ["no JSON", (_, response) => response.end("<html>"), "answered something that is no JSON"],
    ["JSON null", (_, response) => response.end("null"), "answered something that is no chat completion"],
    [
      "no choices",
      (_, response) => response.end('{"choices": 7}'),
      "answered something that is no chat completion",
    ],
    ["no text", says(["part"]), "answered something that is no chat completion"],
    ["too much", says("x".repeat(20_000)), "answered more than 10000 bytes"],
    ["a redirect", (_, response) => response.writeHead(307, { location: "/else" }).end(), "is not reachable"],
  ])("that answers %s fails with a message of ours", async (_, answer, message) => {
    const { baseUrl } = await standIn(answer);
    expect(await failure(composer(baseUrl, { retries: 0 }))).toContain(message);
  });

  it("that is not there fails without naming its address", async () => {
    const message = await failure(composer("http://127.0.0.1:1/v1", { retries: 0 }));
    expect(message).toContain("is not reachable");
    expect(message).not.toContain("127.0.0.1");
  });

  it("that is too slow is given up after its budget, retries included", async () => {
    const { baseUrl } = await standIn(() => {});
    expect(await failure(composer(baseUrl, { timeoutMs: 40, retries: 3 }))).not.toBe("");
  });

  it("that stalls in the middle of its answer is given up", async () => {
    const { baseUrl } = await standIn((_, response) => void response.write('{"choices": ['));
    expect(await failure(composer(baseUrl, { timeoutMs: 60 }))).not.toBe("");
  });

  it("is not waited for when the caller goes", async () => {
    const gone = new AbortController();
    const { baseUrl } = await standIn(() => gone.abort());
    expect(await failure(composer(baseUrl), gone.signal)).not.toBe("");
  });

  it("is left alone for a while when half of ten requests failed", async () => {
    const { baseUrl, requests } = await standIn(fails(400));
    const one = composer(baseUrl);
    for (let request = 0; request < 10; request++) await failure(one);
    const asked = requests.length;
    expect(await failure(one)).toContain("open");
    expect(requests).toHaveLength(asked);
  });
});
