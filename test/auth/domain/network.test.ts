import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { networkOf } from "../../../services/auth/domain/network.js";

const prefixes = { ipv4: 24, ipv6: 48 };
const same = (a: string, b: string) => networkOf(a, prefixes) === networkOf(b, prefixes);

describe("the network of an address", () => {
  it.each([
    ["192.0.2.1", "192.0.2.254", true],
    ["192.0.2.1", "192.0.3.1", false],
    ["192.0.2.1", "::ffff:192.0.2.77", true],
    ["::ffff:c000:201", "192.0.2.9", true],
    ["2001:db8:1:2::1", "2001:db8:1:ffff:9::", true],
    ["2001:db8:1::", "2001:db8:2::", false],
    ["2001:0DB8:0001::1", "2001:db8:1::2", true],
    ["fe80::1%eth0", "fe80::2", true],
    ["::1", "::2", true],
    ["::ffff:0:1", "192.0.2.1", false],
  ])("of %s and %s is the same: %s", (a, b, expected) => {
    expect(same(a, b)).toBe(expected);
  });

  it.each(["", "localhost", "192.0.2", "1.2.3.4.5", "::g", "192.0.2.1, 192.0.2.2"])(
    "is none for %j",
    (text) => {
      expect(networkOf(text, prefixes)).toBe("");
    },
  );

  it("has as many bits as were asked for, whatever the address", () => {
    const bits = { ipv4: 32, ipv6: 64 };
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        expect(networkOf(address, bits)).toMatch(/^(4:[01]{32}|6:[01]{64})$/);
      }),
    );
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        expect(networkOf(address, bits)).toMatch(/^4:[01]{32}$/);
      }),
    );
  });
});
