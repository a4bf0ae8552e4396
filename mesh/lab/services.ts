import { apply, kubectl } from "./apiserver.js";
import { ownNetworks, writeHosts } from "./network.js";
import { control, controlAddress, type LabPlace, namespace } from "./place.js";
import type { Pod } from "./pods.js";

interface Service {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: { readonly clusterIP: string };
}

/** Says which replicas are behind each Service, as the endpoint controller does. */
export async function publishEndpoints(place: LabPlace, pods: readonly Pod[]): Promise<void> {
  const apps = new Map<string, Pod[]>();
  for (const pod of pods) apps.set(pod.app, [...(apps.get(pod.app) ?? []), pod]);
  await apply(
    place,
    [...apps].filter(([, of]) => of[0]!.port !== undefined).map(([app, of]) => endpointSlice(app, of)),
  );
}

function endpointSlice(app: string, pods: readonly Pod[]) {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: app, namespace, labels: { "kubernetes.io/service-name": app } },
    addressType: "IPv4",
    ports: [{ name: "http", port: pods[0]!.port, protocol: "TCP", appProtocol: "http2" }],
    endpoints: pods.map(({ name, address }) => ({
      addresses: [address],
      conditions: { ready: true },
      nodeName: "node-1",
      targetRef: { kind: "Pod", name, namespace },
    })),
  };
}

/** A server in the control network, outside the mesh. */
export interface OutsideService {
  readonly name: string;
  /** The environment's own by default. */
  readonly namespace?: string;
  readonly ports: readonly { readonly name: string; readonly port: number; readonly appProtocol: string }[];
}

/** The collector of traces, which stands in a namespace of its own. */
export const collectorService: OutsideService = {
  name: "otel-collector",
  namespace: "observability",
  ports: [
    { name: "grpc-otlp", port: 4317, appProtocol: "grpc" },
    { name: "http-otlp", port: 4318, appProtocol: "http" },
  ],
};

/** What makes such a server known to the cluster. */
export function outsideObjects({ name, namespace: other, ports }: OutsideService): object[] {
  const metadata = { name, namespace: other ?? namespace };
  return [
    { apiVersion: "v1", kind: "Service", metadata, spec: { ports } },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { ...metadata, labels: { "kubernetes.io/service-name": name } },
      addressType: "IPv4",
      ports: ports.map((port) => ({ ...port, protocol: "TCP" })),
      endpoints: [{ addresses: [controlAddress], conditions: { ready: true } }],
    },
  ];
}

/** Tells every namespace of the lab the names of all Services. */
export async function publishNames(place: LabPlace): Promise<void> {
  const { items } = JSON.parse(await kubectl(place, ["get", "services", "-A", "-o", "json"])) as {
    items: Service[];
  };
  const hosts = new Map([["istiod.istio-system.svc", controlAddress]]);
  for (const { metadata, spec } of items) {
    if (spec.clusterIP === "None") continue;
    hosts.set(`${metadata.name}.${metadata.namespace}.svc.cluster.local`, spec.clusterIP);
    if (metadata.namespace === namespace) hosts.set(metadata.name, spec.clusterIP);
  }
  const pods = (await ownNetworks()).filter((netns) => netns !== control);
  await Promise.all(pods.map((netns) => writeHosts(netns, hosts)));
}
