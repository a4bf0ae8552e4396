import { expect, it } from "vitest";
import { shownNetwork } from "../../../services/auth/domain/shown-network.js";

it.each([
  ["203.0.113.77", "203.0.113.0/24"],
  ["0.0.0.0", "0.0.0.0/24"],
  ["::ffff:203.0.113.77", "203.0.113.0/24"],
  ["2001:db8:12:3456::1", "2001:db8:12::/48"],
  ["2001:db8::1", "2001:db8::/48"],
  ["::1", "::/48"],
  ["", ""],
  ["nowhere", ""],
  ["203.0.113.77, 10.0.0.1", ""],
])("shows the network of %j as %j", (address, network) => {
  expect(shownNetwork(address)).toBe(network);
});
