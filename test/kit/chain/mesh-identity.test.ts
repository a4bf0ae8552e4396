import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { lastCertificate, workloadOfCertificate } from "../../../services/kit/chain/mesh-identity.js";

const spiffe = (account: string, namespace = "prod", domain = "cluster.local") =>
  `spiffe://${domain}/ns/${namespace}/sa/${account}`;
const element = (uri: string, subject = "") =>
  `By=${spiffe("agents")};Hash=ab12;Subject="${subject}";URI=${uri}`;

describe("a forwarded certificate", () => {
  it("names the workload of its service account", () => {
    expect(workloadOfCertificate(element(spiffe("engine")))).toBe(Workload.ENGINE);
    expect(workloadOfCertificate(element(spiffe("gateway")))).toBe(Workload.GATEWAY);
  });

  it.each([
    ["another service account", element(spiffe("prometheus"))],
    ["another namespace", element(spiffe("engine", "stranger"))],
    ["another trust domain", element(spiffe("engine", "prod", "evil.example"))],
    ["a longer account", element(spiffe("engine-2"))],
    ["no identity of ours to compare with", `Hash=ab12;URI=${spiffe("engine")}`],
    ["no identity", `By=${spiffe("agents")};Hash=ab12;Subject=""`],
    ["two identities", `${element(spiffe("auth"))};URI=${spiffe("engine")}`],
    ["a quoted identity alone", element(spiffe("stranger"), `;URI=${spiffe("engine")};`)],
    ["an identity after an escaped quote", element(spiffe("stranger"), `\\";URI=${spiffe("engine")};`)],
    ["nothing", ""],
  ])("names nobody for %s", (_, text) => {
    expect(workloadOfCertificate(text)).toBe(Workload.UNSPECIFIED);
  });

  it("never fails, whatever it holds", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(workloadOfCertificate(text)).toBe(Workload.UNSPECIFIED);
      }),
    );
  });
});

describe("of several certificates", () => {
  const own = element(spiffe("engine"));

  it("the last one counts, which the sidecar wrote", () => {
    expect(lastCertificate(`${element(spiffe("gateway"))},${own}`)).toBe(own);
    expect(lastCertificate(own)).toBe(own);
  });

  it("the last one is whole when its subject has a comma", () => {
    const quoted = element(spiffe("engine"), "CN=a,O=b");
    expect(lastCertificate(`${own}, ${quoted}`)).toBe(quoted);
  });

  it("the last one counts, whatever a stranger puts before it", () => {
    const stranger = fc.oneof(
      fc.string(),
      fc.constantFrom(`${element(spiffe("gateway"))};Subject="`, '"', "\\", ',"', "By=a,"),
    );
    fc.assert(
      fc.property(stranger, (before) => {
        expect(lastCertificate(`${before},${own}`)).toBe(own);
      }),
    );
  });

  it("there is none in an empty header", () => {
    expect(lastCertificate("")).toBeUndefined();
  });
});
