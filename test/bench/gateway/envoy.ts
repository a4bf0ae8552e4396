import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "../../support/spawned-platform.js";
import { imagePath } from "./contract/review.js";
import { type Running, startOnPort } from "./launch.js";

/** Starts Envoy as a transcoder before a gRPC server, with one worker thread. */
export async function startEnvoy(folder: string, upstream: number): Promise<Running> {
  const { port } = await freePorts(["port"]);
  const directory = await mkdtemp(join(tmpdir(), "bench-envoy-"));
  const file = join(directory, "envoy.json");
  await writeFile(file, JSON.stringify(configuration(port, upstream)));
  const options = ["-c", file, "--concurrency", "1", "-l", "error", "--disable-hot-restart"];
  return startOnPort([join(folder, "envoy"), ...options], port);
}

const types = "type.googleapis.com/envoy.extensions";

function configuration(port: number, upstream: number) {
  const filters = [
    {
      name: "envoy.filters.http.grpc_json_transcoder",
      typed_config: {
        "@type": `${types}.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder`,
        proto_descriptor: imagePath,
        services: ["review.v1.ReviewService"],
      },
    },
    {
      name: "envoy.filters.http.router",
      typed_config: {
        "@type": `${types}.filters.http.router.v3.Router`,
        suppress_envoy_headers: true,
      },
    },
  ];
  const connections = {
    "@type": `${types}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: "bench",
    generate_request_id: false,
    route_config: {
      virtual_hosts: [
        {
          name: "all",
          domains: ["*"],
          routes: [{ match: { prefix: "/" }, route: { cluster: "upstream", timeout: "60s" } }],
        },
      ],
    },
    http_filters: filters,
  };
  return {
    node: { id: "bench", cluster: "bench" },
    static_resources: {
      listeners: [
        {
          address: addressOf(port),
          filter_chains: [
            {
              filters: [{ name: "envoy.filters.network.http_connection_manager", typed_config: connections }],
            },
          ],
        },
      ],
      clusters: [
        {
          name: "upstream",
          type: "STATIC",
          connect_timeout: "2s",
          typed_extension_protocol_options: {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
              "@type": `${types}.upstreams.http.v3.HttpProtocolOptions`,
              explicit_http_config: { http2_protocol_options: {} },
            },
          },
          load_assignment: {
            cluster_name: "upstream",
            endpoints: [{ lb_endpoints: [{ endpoint: { address: addressOf(upstream) } }] }],
          },
        },
      ],
    },
  };
}

function addressOf(port: number) {
  return { socket_address: { address: "127.0.0.1", port_value: port } };
}
