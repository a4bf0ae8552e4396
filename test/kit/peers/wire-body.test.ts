import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ReplyBody } from "../../../services/kit/peers/wire-body.js";
import { frame } from "./scripted-server.js";

describe("the body of an answer", () => {
  it("comes out whole however it is cut, and knows when its message has come", () => {
    const places = fc.array(fc.nat(), { maxLength: 10 });
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 100 }),
        fc.uint8Array({ maxLength: 20 }),
        places,
        (message, more, cuts) => {
          const octets = Buffer.concat([frame(message), more]);
          const body = new ReplyBody();
          const ends = [...cuts.map((cut) => cut % octets.length), octets.length].sort((a, b) => a - b);
          let at = 0;
          for (const end of ends) {
            body.add(octets.subarray(at, end));
            at = end;
            expect(body.complete).toBe(at >= 5 + message.length);
            if (at >= 5) expect(body.announced).toBe(message.length);
          }
          expect(body.whole()).toEqual(octets);
          expect(body.extent).toBe(octets.length - 5);
        },
      ),
    );
  });

  it("is not copied when it comes in one piece", () => {
    const octets = frame(Buffer.from("message"));
    const body = new ReplyBody();
    body.add(octets);
    expect(body.whole().buffer).toBe(octets.buffer);
  });

  it("does not hold what its pieces came with", () => {
    const read = Buffer.concat([frame(Buffer.from("message")), Buffer.alloc(60_000)]);
    const body = new ReplyBody();
    body.add(read.subarray(0, 6));
    body.add(read.subarray(6, 12));
    expect(body.whole().buffer.byteLength).toBeLessThan(100);
    expect(body.whole()).toEqual(read.subarray(0, 12));
  });
});
