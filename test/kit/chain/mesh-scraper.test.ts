import { Code } from "@connectrpc/connect";
import { describe, it } from "vitest";
import { SystemService } from "#gen/ts/consciousness/system/v1/system_service_pb.js";
import { type Arrival, arrivalKey } from "../../../services/kit/chain/arrival.js";
import { authenticate } from "../../../services/kit/chain/authenticate.js";
import { authorize } from "../../../services/kit/chain/authorize.js";
import { meshScraper } from "../../../services/kit/chain/mesh-scraper.js";
import { errors } from "../../../services/kit/errors.js";
import { expectRefusal, getAgent, pass, requestOf } from "./calls.js";

const prometheus = "spiffe://cluster.local/ns/observability/sa/prometheus";
const verify = async () => {
  throw errors.tokenInvalid();
};
const layersFor = (identity: string | undefined) => [meshScraper(identity), authenticate(verify), authorize];

/** A request that arrived with the mesh's certificate of a caller. */
function from(caller: string, method: Parameters<typeof requestOf>[0] = SystemService.method.getMetrics) {
  const request = requestOf(method);
  const meshIdentity = `By=spiffe://cluster.local/ns/prod/sa/engine;Hash=1;URI=${caller}`;
  request.contextValues.set(arrivalKey, { meshIdentity } as Arrival);
  return request;
}

describe("the identity that reads metrics in a mesh", () => {
  it("reads metrics without a token", async () => {
    await pass(layersFor(prometheus), from(prometheus));
  });

  it("reads nothing else", async () => {
    const answer = pass(layersFor(prometheus), from(prometheus, getAgent));
    await expectRefusal(answer, Code.Unauthenticated, "CREDENTIALS_MISSING");
  });

  it.each([
    ["another account", "spiffe://cluster.local/ns/observability/sa/grafana"],
    ["its name in another namespace", "spiffe://cluster.local/ns/prod/sa/prometheus"],
    ["two identities", `${prometheus};URI=${prometheus}`],
  ])("is not %s", async (_, caller) => {
    const answer = pass(layersFor(prometheus), from(caller));
    await expectRefusal(answer, Code.Unauthenticated, "CREDENTIALS_MISSING");
  });

  it("does not exist unless configured", async () => {
    const answer = pass(layersFor(undefined), from(prometheus));
    await expectRefusal(answer, Code.Unauthenticated, "CREDENTIALS_MISSING");
  });
});
