import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { lazyTimeouts } from "../../../services/kit/serve/lazy-timeouts.js";

/** A socket, and what Node is told of its timeout. */
function socketOf() {
  const native = vi.fn();
  const socket = Object.assign(new EventEmitter(), { setTimeout: native, destroyed: false });
  return { socket: socket as unknown as Socket & { destroyed: boolean }, native };
}

describe("a timeout that is only noted", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
  });

  it("is never Node's while it is set again and again", () => {
    const { socket, native } = socketOf();
    lazyTimeouts(10)(socket);
    for (let at = 0; at < 100; at += 1) {
      socket.setTimeout(at % 2 ? 500 : 60);
      vi.advanceTimersByTime(9);
    }
    expect(native).not.toHaveBeenCalled();
  });

  it("is Node's in full when its socket rests, until it is set anew", () => {
    const { socket, native } = socketOf();
    lazyTimeouts(10)(socket);
    socket.setTimeout(60);
    vi.advanceTimersByTime(20);
    expect(native.mock.calls).toEqual([[60]]);
    expect(vi.getTimerCount()).toBe(0);
    socket.setTimeout(500);
    expect(native.mock.calls).toEqual([[60], [0]]);
    vi.advanceTimersByTime(20);
    expect(native.mock.calls).toEqual([[60], [0], [500]]);
  });

  it("ends with its socket, and tells who asked for it", () => {
    const { socket, native } = socketOf();
    const told = vi.fn();
    lazyTimeouts(10)(socket);
    socket.setTimeout(60, told);
    socket.emit("timeout");
    socket.destroyed = true;
    vi.advanceTimersByTime(20);
    expect([told.mock.calls.length, native.mock.calls.length, vi.getTimerCount()]).toEqual([1, 0, 0]);
  });
});
