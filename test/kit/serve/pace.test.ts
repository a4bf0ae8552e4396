import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import type { Listener, Request } from "../../../services/kit/serve/listen.js";
import { keepPace } from "../../../services/kit/serve/pace.js";
import { eventually } from "../../support/until.js";
import { rawConnection, serve } from "./clients.js";

const pace = { windowMs: 10_000, leastBytes: 100 };

describe("the pace of a body", () => {
  let listener: Listener;
  let requests: Request[];
  let stalled: number;
  /** How much of the bodies has been read. */
  let read: number;
  let reading: boolean;

  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    requests = [];
    stalled = 0;
    read = 0;
    reading = true;
    ({ listener } = await serve({
      handler: (request) => {
        requests.push(request);
        keepPace(request, pace, () => {
          stalled += 1;
        });
        if (!reading) return;
        request.on("data", (chunk) => {
          read += chunk.length;
        });
      },
    }));
  });

  afterEach(async () => {
    vi.useRealTimers();
    await listener.drain(0);
  });

  const upload = (): ((text: string) => void) => {
    const { socket } = rawConnection(listener);
    socket.write("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n");
    return (text) => void socket.write(text);
  };
  const upload2 = (): ((text: string) => void) => {
    const session: ClientHttp2Session = connectHttp2(`http://127.0.0.1:${listener.port}`);
    onTestFinished(() => session.destroy());
    const stream = session.on("error", () => undefined).request({ ":method": "POST", ":path": "/" });
    stream.on("error", () => undefined);
    return (text) => void stream.write(text);
  };

  it.each([
    ["HTTP/1.1", upload],
    ["HTTP/2", upload2],
  ])("lets a slow body live as long as each window brings enough: %s", async (_, begin) => {
    const write = begin();
    await eventually(() => expect(requests).toHaveLength(1));
    for (let window = 1; window <= 9; window++) {
      write("x".repeat(100));
      await eventually(() => expect(read).toBe(window * 100));
      vi.advanceTimersByTime(pace.windowMs);
    }
    expect(stalled).toBe(0);
  });

  it.each([
    ["HTTP/1.1", upload],
    ["HTTP/2", upload2],
  ])("tells once of a window that brought too little, whatever came before: %s", async (_, begin) => {
    const write = begin();
    write("x".repeat(500));
    await eventually(() => expect(read).toBe(500));
    vi.advanceTimersByTime(pace.windowMs);
    expect(stalled).toBe(0);
    write("x".repeat(99));
    await eventually(() => expect(read).toBe(599));
    vi.advanceTimersByTime(pace.windowMs);
    expect(stalled).toBe(1);
    vi.advanceTimersByTime(5 * pace.windowMs);
    expect(stalled).toBe(1);
  });

  it("does not count the time in which nobody reads what is here", async () => {
    reading = false;
    upload()("x".repeat(50));
    await eventually(() => expect(requests[0]?.readableLength).toBe(50));
    vi.advanceTimersByTime(5 * pace.windowMs);
    expect(stalled).toBe(0);
  });

  it("ends with the body, and is not kept for a request without one", async () => {
    const write = upload();
    write("x".repeat(1000));
    await eventually(() => expect(read).toBe(1000));
    await eventually(() => expect(vi.getTimerCount()).toBe(0));
    rawConnection(listener).socket.write("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    rawConnection(listener).socket.write("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
    await eventually(() => expect(requests).toHaveLength(3));
    expect(vi.getTimerCount()).toBe(0);
  });

  it("ends with the client", async () => {
    const { socket } = rawConnection(listener);
    socket.write("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n");
    await eventually(() => expect(vi.getTimerCount()).toBe(1));
    socket.destroy();
    await eventually(() => expect(vi.getTimerCount()).toBe(0));
    expect(stalled).toBe(0);
  });
});
