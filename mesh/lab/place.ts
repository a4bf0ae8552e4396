import { join } from "node:path";

/** Where a lab lives: everything it writes is below `folder`, everything it runs within namespaces of its own. */
export interface LabPlace {
  readonly folder: string;
  /** Istio, kube-apiserver and Envoy. */
  readonly binaries: string;
  /** A copy of the compiled platform, as the container image would hold it. */
  readonly app: string;
  /** The repository. */
  readonly root: string;
}

/** Begins the name of each network namespace. */
export const netnsPrefix = "cmesh-";

/** The network namespace of etcd, kube-apiserver, istiod, the collector and everybody outside. */
export const control = `${netnsPrefix}control`;

/** The environment that the lab runs. */
export const overlay = "k8s/overlays/development";
export const namespace = "consciousness-dev";
/** Host that its ingress answers to. */
export const outsideHost = "dev.consciousness.example";

/** Addresses: the control namespace has the first, pods the others. */
export const network = "10.99.0.0/24";
export const controlAddress = "10.99.0.1";
export const serviceRange = "10.99.100.0/24";
export const podAddress = (at: number) => `10.99.0.${at + 10}`;

/** The user that proxies run as, whose traffic is not redirected, and that of the platform. */
export const proxyUser = "1337";
export const appUser = "10001";

/** A file or folder of the lab. */
export const inLab = (place: LabPlace, ...parts: readonly string[]) => join(place.folder, ...parts);
