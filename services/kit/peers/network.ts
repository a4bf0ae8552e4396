import type { DescService } from "@bufbuild/protobuf";
import { AuthService } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import type { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import type { Clock } from "../clock.js";
import { resolveContract } from "../contract/method.js";
import { workloadName } from "../contract/workloads.js";
import type { Metrics } from "../metrics.js";
import type { RenewedKeys } from "../tls/keys.js";
import type { WorkloadToken } from "../tokens.js";
import { createTokenExchange } from "./exchange.js";
import type { LocalMethods } from "./local.js";
import { memoryCalls } from "./memory.js";
import { createPeer, type Peer } from "./peers.js";
import { createResilience, noResilience, type Resilience } from "./resilience.js";
import { peerTransport } from "./transport.js";
import { type Wire, wireCalls } from "./wire.js";
import type { Http2Client } from "./wire-pool.js";

/** How one process reaches the workloads, in it and elsewhere. */
export interface NetworkOptions {
  /** Methods of this process. */
  readonly local: LocalMethods;
  /** Workloads of this process. */
  readonly running: ReadonlySet<Workload>;
  /** Base URLs of every other one, one for each replica. */
  readonly addresses: ReadonlyMap<Workload, readonly string[]>;
  /** A mesh retries, breaks circuits and proves identities. */
  readonly mesh: boolean;
  readonly workloadToken: WorkloadToken | undefined;
  /** For addresses that speak TLS. */
  readonly keys?: RenewedKeys | undefined;
  /** Largest message, in bytes. */
  readonly bodyLimit: number;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** Whether unary calls over HTTP/2 take our own way, with compiled codecs; Connect's otherwise. */
  readonly fastPath: boolean;
  /** What speaks HTTP/2 below our own way; node:http2 unless stated. */
  readonly http2Client?: Http2Client | undefined;
  /** Aborts when nobody calls any more. */
  readonly closed: AbortSignal;
}

/** Makes the typed client of a service; `at` says where, for one that every workload has. */
export type PeersOf = <S extends DescService>(service: S, at?: Workload) => Peer<S>;

/** The peers of the workload `self`: in memory when they run here, else over HTTP/2. */
export function peersOf(self: Workload, options: NetworkOptions): PeersOf {
  const memory = memoryCalls({ self, local: options.local });
  const wires = new Map<Workload, Wire>();
  const exchange = createTokenExchange(
    (request, caller) => peer(AuthService).exchangeToken(request, caller),
    options.clock,
  );

  const wireTo = (workload: Workload): Wire => {
    const known = wires.get(workload);
    if (known) return known;
    const wire: Wire = {
      peer: workload,
      resilience: resilienceOf(workload, options),
      clock: options.clock,
      principalToken: (caller) => exchange(caller, workloadName(workload)),
      workloadToken: async () => options.workloadToken?.issue(self, workload),
    };
    wires.set(workload, wire);
    return wire;
  };

  const peer: PeersOf = (service, at) => {
    const { methods } = resolveContract([service]);
    const workload = at ?? [...methods.values()].find((method) => method.workload !== undefined)?.workload;
    if (workload === undefined) throw new Error(`${service.typeName} is served by no workload`);
    const calls = options.running.has(workload) ? memory : wireCalls(wireTo(workload), methods);
    return createPeer(service, calls, { workload, metrics: options.metrics, clock: options.clock });
  };
  return peer;
}

function resilienceOf(workload: Workload, options: NetworkOptions): Resilience {
  const { bodyLimit, closed, fastPath, http2Client, keys, mesh } = options;
  const addresses = options.addresses.get(workload) ?? [];
  const transports = addresses.map((address) =>
    peerTransport(address, { bodyLimit, keys, fastPath, http2Client, closed }),
  );
  const [first] = transports;
  if (!first) throw new Error(`${workloadName(workload)} has no address`);
  return mesh ? noResilience(first) : createResilience({ peer: workloadName(workload), transports, closed });
}
