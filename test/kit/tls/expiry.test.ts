import { X509Certificate } from "node:crypto";
import { beforeAll, expect, it } from "vitest";
import { createMetrics } from "../../../services/kit/metrics.js";
import { certificateExpiry, showExpiry } from "../../../services/kit/tls/expiry.js";
import type { Keys } from "../../../services/kit/tls/keys.js";
import { createAuthority } from "../../support/authority.js";

let leaf: string;
let root: string;
beforeAll(async () => {
  const authority = await createAuthority();
  ({ cert: leaf } = await authority.issue());
  root = authority.cert;
});
const endOf = (cert: string) => Date.parse(new X509Certificate(cert).validTo) / 1000;

it("of a chain is the earliest of its certificates", () => {
  expect(certificateExpiry(leaf)).toBe(endOf(leaf));
  expect(certificateExpiry(`${root}\n${leaf}`)).toBe(Math.min(endOf(root), endOf(leaf)));
});

it("is unknown of a text without certificates", () => {
  expect(certificateExpiry("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----")).toBeUndefined();
});

it("is shown of the keys in use, and of those that replace them", async () => {
  const metrics = createMetrics({ version: "1.2.3", workloads: ["engine"] });
  let renew: (keys: Keys) => void = () => undefined;
  const onRenewal = (apply: typeof renew) => {
    renew = apply;
  };
  showExpiry({ current: { cert: leaf }, onRenewal }, "port", metrics);
  const shown = async () =>
    /expiry_timestamp_seconds\{use="port"\} (\S+)/.exec((await metrics.expose()).body)?.[1];
  expect(Number(await shown())).toBe(endOf(leaf));
  renew({ cert: root });
  expect(Number(await shown())).toBe(endOf(root));
  renew({});
  expect(Number(await shown())).toBe(endOf(root));
});
