import fc from "fast-check";
import { expect, it } from "vitest";
import { type LogFields, logFieldTypes, permittedFields } from "../../services/kit/log-fields.js";
import { createLineWriter } from "../../services/kit/log-line.js";

const ms = Date.UTC(2026, 0, 2, 3, 4, 5);
const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom(
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln",
    "password=hunter2",
    'a"b\\c\n',
    "x".repeat(900),
  ),
);
const keys = [...Object.keys(logFieldTypes), "input", "__proto__", "toString"];
const fields = fc.dictionary(fc.constantFrom(...keys), fc.oneof(text, fc.double(), fc.boolean()));

it("says what the list of fields permits, whatever it is given", () => {
  fc.assert(
    fc.property(fields, text, fc.nat(5_000), (given, correlationId, later) => {
      const write = createLineWriter({ now: () => ms + later, monotonic: () => 0 });
      const said = { level: "info", service: "engine", correlationId, message: "m", span: undefined };
      const line = write({ ...said, fields: given as LogFields });
      expect(line.endsWith("\n")).toBe(true);
      expect(JSON.parse(line)).toEqual(
        JSON.parse(
          JSON.stringify({
            level: "info",
            timestamp: new Date(ms + later).toISOString(),
            service: "engine",
            correlation_id: correlationId,
            message: "m",
            metadata: permittedFields(given as LogFields),
          }),
        ),
      );
    }),
  );
});

it("masks secrets of a message each time", () => {
  const write = createLineWriter({ now: () => ms, monotonic: () => 0 });
  const span = { traceId: "t", spanId: "s" };
  const line = { level: "info", service: "x", correlationId: "", message: "token=abcdef", fields: {}, span };
  for (let times = 0; times < 2; times += 1) {
    const said = JSON.parse(write(line));
    expect(said.message).toBe("token=[redacted]");
    expect(said.metadata).toEqual({ trace_id: "t", span_id: "s" });
  }
});
