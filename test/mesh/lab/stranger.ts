import { apply } from "../../../mesh/lab/apiserver.js";
import { find } from "../../../mesh/lab/manifests.js";
import { namespace } from "../../../mesh/lab/place.js";
import { createPod, type Pod, runPod } from "../../../mesh/lab/pods.js";
import { place, rendered } from "./lab.js";

const account = "stranger";

/** Starts the proxy of a pod in the namespace that no method names as a caller. */
export async function startStranger(): Promise<Pod> {
  const deployment = structuredClone(find(rendered, "Deployment", "gateway"));
  deployment.metadata.name = account;
  deployment.spec.template.metadata.labels.app = account;
  const { spec } = deployment.spec.template;
  spec.serviceAccountName = account;
  spec.containers[0].ports = [];
  await apply(place, [{ apiVersion: "v1", kind: "ServiceAccount", metadata: { name: account, namespace } }]);
  const pod = await createPod(place, deployment);
  await runPod(place, pod, deployment, { proxyOnly: true });
  return pod;
}
