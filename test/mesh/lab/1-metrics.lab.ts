import { describe, expect, it } from "vitest";
import { signWorkloadCertificate } from "../../../mesh/lab/certificates.js";
import { attempt } from "../../../mesh/lab/commands.js";
import { within } from "../../../mesh/lab/network.js";
import { control, inLab } from "../../../mesh/lab/place.js";
import { type Pod, runningPods } from "../../../mesh/lab/pods.js";
import { changed, place, settles, withRules } from "./lab.js";

const listening = (await runningPods(place)).filter(({ port }) => port !== undefined);

/** Asks a replica by its address, as Prometheus does, with the mesh's certificate of an account. */
async function scrape({ address, port }: Pod, account: string, path = "/metrics") {
  const folder = inLab(place, "scrapers", account.replaceAll("/", "-"));
  const id = `spiffe://cluster.local/ns/${account.replace("/", "/sa/")}`;
  const { key, cert } = await signWorkloadCertificate(inLab(place, "authority"), folder, id);
  // Certificates of the mesh name no address.
  const as = ["--key", key, "--cert", cert, "--insecure"];
  const url = `https://${address}:${port}${path}`;
  const command = ["curl", "-s", "-m", "10", "-w", "\\n%{http_code}", ...as, url];
  const { stdout } = await attempt("ip", [...within(control), ...command]);
  const end = stdout.lastIndexOf("\n");
  return { status: Number(stdout.slice(end + 1)), body: stdout.slice(0, end) };
}

const refused = { status: 403, body: "RBAC: access denied" };

describe.each(listening)("the metrics of $name", (pod) => {
  it("are read by Prometheus through mTLS, without a token", async () => {
    const { status, body } = await scrape(pod, "observability/prometheus");
    expect([status, body.slice(0, 200)]).toEqual([200, expect.stringContaining("# HELP ")]);
  });

  it("are refused to another account, and all else to Prometheus", async () => {
    expect(await scrape(pod, "observability/grafana")).toEqual(refused);
    expect(await scrape(pod, "consciousness-dev/prometheus")).toEqual(refused);
    for (const path of ["/readyz", "/api/v1/system/status"])
      expect([path, await scrape(pod, "observability/prometheus", path)]).toEqual([path, refused]);
  });
});

it("metrics are read by another account where a policy names that", async () => {
  const other = changed("AuthorizationPolicy", "engine", ({ spec }) => {
    for (const { from } of spec.rules) {
      if (from[0].source.serviceAccounts[0] === "observability/prometheus")
        from[0].source.serviceAccounts = ["observability/grafana"];
    }
  });
  const engine = listening.find(({ app }) => app === "engine")!;
  await withRules([other], async () => {
    await settles(
      "Prometheus is refused",
      async () => (await scrape(engine, "observability/prometheus")).status === 403,
    );
    // The proxy lets it in; the service itself knows no such reader.
    await settles(
      "the other is let in",
      async () => (await scrape(engine, "observability/grafana")).status === 401,
    );
  });
  await settles(
    "Prometheus is let in again",
    async () => (await scrape(engine, "observability/prometheus")).status === 200,
  );
});
