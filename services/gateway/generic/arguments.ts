import { parseArgs } from "node:util";
import { type Http2Client, http2ClientNames } from "../../kit/peers/wire-pool.js";
import { UsageError } from "../../kit/usage-error.js";

/** Protocols in which an upstream can be called. */
export type UpstreamProtocol = "grpc" | "connect";

/** What a gateway before any upstream is started with. */
export interface GenericArguments {
  /** Base URL. */
  readonly upstream: string;
  readonly protocol: UpstreamProtocol;
  /** What speaks HTTP/2 to an upstream of gRPC, for unary calls. */
  readonly http2Client?: Http2Client;
  /** Where the contract comes from: a file, or the upstream's reflection. */
  readonly descriptors: { readonly from: "file"; readonly path: string } | { readonly from: "reflection" };
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

/** How the generic gateway is called. */
export const genericUsage =
  "npm start -- gateway (--descriptors IMAGE | --reflect) --upstream http://HOST:PORT " +
  "[--protocol grpc|connect] [--http2-client node|own] [--host ADDRESS] [--port PORT]";

/** Reads the arguments behind `gateway`. Throws UsageError with everything that is wrong. */
export function genericArguments(args: readonly string[]): GenericArguments {
  const { values, problems } = parse(args);
  const {
    descriptors,
    reflect,
    upstream = "",
    protocol = "grpc",
    "http2-client": http2Client = "node",
    host = "127.0.0.1",
    port = "8000",
  } = values;
  if ((descriptors === undefined) !== (reflect === true)) {
    problems.push("give either --descriptors, a compiled descriptor set, or --reflect");
  }
  if (!isHttpUrl(upstream)) problems.push("--upstream must be a URL such as http://127.0.0.1:50051");
  if (protocol !== "grpc" && protocol !== "connect") problems.push("--protocol must be grpc or connect");
  if (!isHttp2Client(http2Client)) problems.push("--http2-client must be node or own");
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) problems.push("--port must be a number up to 65535");
  if (problems.length > 0) throw new UsageError(`${problems.join("\n")}\nusage: ${genericUsage}`);
  return {
    upstream: upstream.replace(/\/+$/, ""),
    protocol: protocol as UpstreamProtocol,
    http2Client: http2Client as Http2Client,
    descriptors: descriptors === undefined ? { from: "reflection" } : { from: "file", path: descriptors },
    host,
    port: Number(port),
  };
}

type Values = Partial<
  Record<"descriptors" | "upstream" | "protocol" | "http2-client" | "host" | "port", string>
> & {
  reflect?: boolean;
};

function parse(args: readonly string[]): { values: Values; problems: string[] } {
  try {
    const text = { type: "string" } as const;
    const { values } = parseArgs({
      args: [...args],
      options: {
        descriptors: text,
        reflect: { type: "boolean" },
        upstream: text,
        protocol: text,
        "http2-client": text,
        host: text,
        port: text,
      },
    });
    return { values, problems: [] };
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\nusage: ${genericUsage}`, { cause: error });
  }
}

function isHttp2Client(name: string): name is Http2Client {
  return (http2ClientNames as readonly string[]).includes(name);
}

function isHttpUrl(address: string): boolean {
  return URL.canParse(address) && /^https?:$/.test(new URL(address).protocol);
}
