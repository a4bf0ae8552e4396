import { spawnSync } from "node:child_process";
import { pathToFileURL } from "node:url";
import { create } from "@bufbuild/protobuf";
import { context, TraceFlags, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LoginRequestSchema } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { redactFields } from "../../services/kit/contract/data-class.js";
import { createLog, type LogLevel } from "../../services/kit/log.js";
import { compiledPath } from "../support/compile.js";

const clock = { now: () => Date.UTC(2026, 0, 2, 3, 4, 5, 6), monotonic: () => 0 };

function recorded(level: LogLevel = "debug") {
  const lines: string[] = [];
  const log = createLog({
    service: "engine",
    level,
    clock,
    destination: { write: (line) => void lines.push(line) },
  });
  return { log, lines, last: () => JSON.parse(lines.at(-1) ?? "null") };
}

describe("a log line", () => {
  it("is JSON with exactly the six agreed keys", () => {
    const { log, lines, last } = recorded();
    log.info("Call ended.", { correlationId: "c-1", method: "Process", code: "ok", duration_ms: 3.5 });
    expect(lines).toHaveLength(1);
    expect(last()).toEqual({
      level: "info",
      timestamp: "2026-01-02T03:04:05.006Z",
      service: "engine",
      correlation_id: "c-1",
      message: "Call ended.",
      metadata: { method: "Process", code: "ok", duration_ms: 3.5 },
    });
  });

  it("is told of with its level when it is written, and not when its level is too low", () => {
    const levels: string[] = [];
    const log = createLog({
      service: "engine",
      level: "warn",
      destination: { write: () => undefined },
      onLine: (level) => void levels.push(level),
    });
    log.info("nobody reads this");
    log.warn("slow");
    log.child({ correlationId: "c" }).error("failed", { cause: new Error("x") });
    expect(levels).toEqual(["warn", "error"]);
  });

  it("has an empty correlation id and empty metadata when there is nothing to say", () => {
    const { log, last } = recorded();
    log.warn("Draining.");
    expect(last()).toMatchObject({ level: "warn", correlation_id: "", metadata: {} });
  });

  it("carries the child's correlation id unless it has its own", () => {
    const { log, lines } = recorded();
    const child = log.child({ correlationId: "c-2" });
    child.info("a");
    child.error("b", { correlationId: "c-3" });
    log.info("c");
    expect(lines.map((line) => JSON.parse(line).correlation_id)).toEqual(["c-2", "c-3", ""]);
  });

  it("keeps fields of the list and drops all others, and values of another type", () => {
    const { log, last } = recorded();
    log.info("x", {
      method: "Process",
      ...{ input: "my diary", toString: "x", status: "200", metadata: { a: 1 } },
    } as never);
    expect(last().metadata).toEqual({ method: "Process" });
    // @ts-expect-error: a key that is not on the list does not compile
    log.info("x", { input: "my diary" });
    expect(last().metadata).toEqual({});
  });

  it("has bounded strings and masked secrets", () => {
    const { log, last } = recorded();
    log.info("m".repeat(10_000), {
      path: "/x?access_token=abc",
      correlationId: "c".repeat(1_000),
      route: "r".repeat(1_000),
    });
    expect(last().message).toHaveLength(2_000);
    expect(last().correlation_id).toHaveLength(128);
    expect(last().metadata).toEqual({ path: "/x?access_token=[redacted]", route: "r".repeat(500) });
  });

  it("describes a cause and its chain", () => {
    const { log, last } = recorded();
    log.error("Call failed.", { cause: new Error("outer", { cause: new TypeError("Bearer abcdef012345") }) });
    const { error_name, error_message, error_stack, error_causes } = last().metadata;
    expect([error_name, error_message]).toEqual(["Error", "outer"]);
    expect(error_stack).toMatch(/^at .*log\.test\.ts/);
    expect(error_causes).toMatchObject([{ name: "TypeError", message: "Bearer [redacted]" }]);
  });

  it("shows a redacted message at level debug, and no other object ever", () => {
    const { log, last } = recorded();
    const message = create(LoginRequestSchema, { username: "ada", password: "hunter2" });
    const fields = redactFields(LoginRequestSchema, message);
    log.debug("Request.", { fields });
    expect(last().metadata.fields).toEqual(fields);
    log.info("Request.", { fields });
    expect(last().metadata).toEqual({});
    log.debug("Request.", { fields: { password: "hunter2" } });
    expect(last().metadata).toEqual({});
  });

  it("is not written below the log's level", () => {
    const { log, lines } = recorded("warn");
    log.debug("a");
    log.info("b");
    expect([log.enabled("info"), log.enabled("warn")]).toEqual([false, true]);
    expect(lines).toEqual([]);
  });
});

describe("a log line within a span", () => {
  beforeAll(() => context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable()));
  afterAll(() => context.disable());

  it("carries the span's ids", () => {
    const { log, last } = recorded();
    const span = {
      traceId: "0af7651916cd43dd8448eb211c80319c",
      spanId: "b7ad6b7169203331",
      traceFlags: TraceFlags.NONE,
    };
    context.with(trace.setSpanContext(context.active(), span), () => log.info("x"));
    expect(last().metadata).toEqual({ trace_id: span.traceId, span_id: span.spanId });
  });
});

describe("a log to standard output", () => {
  const script = (end: string) => `
    const { createLog } = await import(${JSON.stringify(pathToFileURL(compiledPath("services/kit/log.ts")))});
    const log = createLog({ service: "engine", level: "info" });
    for (let i = 0; i < 500; i++) log.info("line " + i);
    ${end}`;

  it("flushes and closes without a line", async () => {
    const log = createLog({ service: "engine", level: "silent", onDropped: () => expect.fail("dropped") });
    await log.flush();
    expect(() => log.close()).not.toThrow();
  });

  it.each([
    ["flush", "await log.flush(); process.kill(process.pid, 'SIGKILL')"],
    ["close", "log.close(); process.kill(process.pid, 'SIGKILL')"],
    ["exit", "process.exit(0)"],
  ])("has every line after %s", (_, end) => {
    const run = spawnSync(process.execPath, ["--input-type=module", "-e", script(end)], { encoding: "utf8" });
    expect(run.stdout.trim().split("\n").at(-1)).toContain("line 499");
  });
});
