import type { IncomingMessage } from "node:http";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ArrivalTrust, noteArrival } from "../../../services/kit/serve/arrivals.js";

const nobody: ArrivalTrust = { proxyHops: 0, mesh: false, internal: false };
const certificate = "By=spiffe://d/ns/n/sa/agents;Hash=1;URI=spiffe://d/ns/n/sa/engine";

function requestWith(headers: Record<string, string | string[]>) {
  return { headers, socket: { remoteAddress: "10.0.0.1" } } as unknown as IncomingMessage;
}

const addressOf = (forwarded: string, proxyHops: number) =>
  noteArrival(requestWith({ "x-forwarded-for": forwarded }), { ...nobody, proxyHops }).clientAddress;

describe("the client's address", () => {
  it("is the connection's own unless proxies of ours are configured", () => {
    expect(addressOf("6.6.6.6", 0)).toBe("10.0.0.1");
    expect(noteArrival(requestWith({}), { ...nobody, proxyHops: 1 }).clientAddress).toBe("10.0.0.1");
  });

  it("is what the outermost proxy of ours saw, whatever the client claims", () => {
    expect(addressOf("6.6.6.6, 1.2.3.4", 1)).toBe("1.2.3.4");
    expect(addressOf("6.6.6.6, 1.2.3.4, 10.0.0.2", 2)).toBe("1.2.3.4");
  });

  it("is the connection's own at an internal workload, whatever another one claims", () => {
    const request = requestWith({ "x-forwarded-for": "6.6.6.6" });
    const internal = { ...nobody, proxyHops: 1, internal: true };
    expect(noteArrival(request, internal).clientAddress).toBe("10.0.0.1");
  });

  it("is unknown at an internal workload of a mesh, whose sidecar hides the connection", () => {
    const request = requestWith({ "x-forwarded-for": "6.6.6.6" });
    const internal = { proxyHops: 1, mesh: true, internal: true };
    expect(noteArrival(request, internal).clientAddress).toBe("");
    expect(noteArrival(request, { ...internal, internal: false }).clientAddress).toBe("6.6.6.6");
  });

  it("is the first that is known when fewer proxies than configured were passed", () => {
    expect(addressOf("1.2.3.4", 2)).toBe("1.2.3.4");
  });
});

describe("the client's address from a proxy", () => {
  const forwardedFor = (forwarded: string, proxyHops: number) =>
    noteArrival(requestWith({ forwarded, "x-forwarded-for": "6.6.6.6" }), {
      ...nobody,
      proxyHops,
      proxyHeader: "forwarded",
    }).clientAddress;

  it.each([
    ["1.2.3.4:4711", "1.2.3.4"],
    ["[2001:db8::1]:4711", "2001:db8::1"],
    ["[2001:db8::1]", "2001:db8::1"],
    ["2001:db8::1", "2001:db8::1"],
    ["", "10.0.0.1"],
    [",", "10.0.0.1"],
  ])("of %j is counted as %s", (given, address) => {
    expect(addressOf(given, 1)).toBe(address);
  });

  it.each([
    ["for=1.2.3.4", 1, "1.2.3.4"],
    ["For=1.2.3.4;proto=https;by=10.0.0.2", 1, "1.2.3.4"],
    ['proto=https;for="[2001:db8::1]:4711"', 1, "2001:db8::1"],
    ["for=6.6.6.6, for=1.2.3.4, for=10.0.0.2", 2, "1.2.3.4"],
    ["for=1.2.3.4", 2, "1.2.3.4"],
    ["for=_hidden", 1, "_hidden"],
    ["for=unknown", 1, "10.0.0.1"],
    ["proto=https", 1, "10.0.0.1"],
    ["for=6.6.6.6", 0, "10.0.0.1"],
  ])("of Forwarded: %s with %i hops is %s, and no other header's", (given, hops, address) => {
    expect(forwardedFor(given, hops)).toBe(address);
  });

  it("cannot be hidden by what a client leaves open", () => {
    for (const forged of ['for="', 'for="6.6.6.6', 'for="6.6.6.6\\', '"', 'for="a;b']) {
      expect(forwardedFor(`${forged}, for=1.2.3.4`, 1)).toBe("1.2.3.4");
      expect(addressOf(`${forged}, 1.2.3.4`, 1)).toBe("1.2.3.4");
    }
  });

  it("is what our proxies wrote, whatever stands before it", () => {
    const proxy = fc.ipV4();
    fc.assert(
      fc.property(fc.string(), fc.array(proxy, { minLength: 1, maxLength: 4 }), (forged, ours) => {
        const plain = [forged, ...ours].join(", ");
        expect(addressOf(plain, ours.length)).toBe(ours[0]);
        const written = [forged, ...ours.map((address) => `for=${address}`)].join(", ");
        expect(forwardedFor(written, ours.length)).toBe(ours[0]);
      }),
    );
  });
});

describe("a forwarded certificate", () => {
  const header = "x-forwarded-client-cert";

  it("outside a mesh is ignored, and nobody further in sees it", () => {
    const request = requestWith({ [header]: certificate });
    expect(noteArrival(request, nobody).meshIdentity).toBeUndefined();
    expect(request.headers).not.toHaveProperty(header);
  });

  it("in a mesh counts with its last element alone", () => {
    const forged = certificate.replace("engine", "gateway");
    const request = requestWith({ [header]: `${forged},${certificate}` });
    expect(noteArrival(request, { ...nobody, mesh: true }).meshIdentity).toBe(certificate);
  });

  it("in a mesh may be missing", () => {
    expect(noteArrival(requestWith({}), { ...nobody, mesh: true }).meshIdentity).toBeUndefined();
  });
});

describe("the client's own identity", () => {
  const header = "x-forwarded-client-cert";
  const mesh = { ...nobody, mesh: true };
  const proved = (identity: string | undefined) =>
    ({
      headers: { [header]: certificate },
      socket: { clientIdentity: identity },
    }) as unknown as IncomingMessage;

  it("is the one in the certificate that it showed us, whatever it forwards", () => {
    expect(noteArrival(proved("spiffe://other/job"), nobody).clientIdentity).toBe("spiffe://other/job");
    expect(noteArrival(proved(undefined), nobody).clientIdentity).toBeUndefined();
  });

  it("in a mesh is the last that was forwarded, which the sidecar wrote", () => {
    const outside = certificate.replace("ns/n/sa/engine", "ns/jobs/sa/report");
    const forged = outside.replace("sa/report", "sa/other");
    const request = requestWith({ [header]: `${forged},${outside}` });
    expect(noteArrival(request, mesh).clientIdentity).toBe("spiffe://d/ns/jobs/sa/report");
    expect(noteArrival(requestWith({}), mesh).clientIdentity).toBeUndefined();
  });

  it("in a mesh is nobody's for the ingress of the own namespace, through which everybody comes", () => {
    const ingress = certificate.replace("sa/engine", "sa/ingress");
    expect(noteArrival(requestWith({ [header]: ingress }), mesh).clientIdentity).toBeUndefined();
    const elsewhere = ingress.replace("URI=spiffe://d/", "URI=spiffe://e/");
    expect(noteArrival(requestWith({ [header]: elsewhere }), mesh).clientIdentity).toBe(
      "spiffe://e/ns/n/sa/ingress",
    );
  });

  it("in a mesh is nobody's where the sidecar names two, or none", () => {
    const two = `${certificate};URI=spiffe://d/ns/n/sa/agents`;
    expect(noteArrival(requestWith({ [header]: two }), mesh).clientIdentity).toBeUndefined();
    expect(noteArrival(requestWith({ [header]: "By=x;Hash=1" }), mesh).clientIdentity).toBeUndefined();
  });
});

describe("our request id", () => {
  it("is made at the edge, whatever the client sends", () => {
    const sent = "0190a000-0000-7000-8000-000000000001";
    const arrival = noteArrival(requestWith({ "x-consciousness-request-id": sent }), nobody);
    expect(arrival.requestId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    expect(arrival.requestId).not.toBe(sent);
  });

  it("is left to the chain where callers are workloads", () => {
    expect(noteArrival(requestWith({}), { ...nobody, internal: true }).requestId).toBeUndefined();
  });
});
