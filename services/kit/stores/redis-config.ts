import { type ConfigSource, flag, optionalText } from "../config.js";
import { readSecret } from "../secret.js";
import type { RedisServers } from "./redis.js";

const schemes = ["redis:", "rediss:"];

/**
 * Reads where Redis is; problems stay in the source. REDIS_URL, or
 * REDIS_URL_FILE, is one server; REDIS_CLUSTER_NODES are some nodes of a
 * cluster, `host:port` with commas between. Undefined for neither.
 */
export function redisConfig(source: ConfigSource): RedisServers | undefined {
  const url = readSecret(source, "REDIS_URL");
  const password = readSecret(source, "REDIS_PASSWORD");
  const values = source.read({
    REDIS_CLUSTER_NODES: optionalText(),
    REDIS_USERNAME: optionalText(),
    REDIS_TLS: flag({ fallback: false }),
    REDIS_TLS_CA_FILE: optionalText(),
  });
  const clusterNodes = values.REDIS_CLUSTER_NODES?.split(",").map((node) => node.trim());
  if (url !== undefined && !(URL.canParse(url) && schemes.includes(new URL(url).protocol))) {
    const expected = "a URL such as redis://redis:6379/0, or rediss:// for TLS";
    source.refuse({ name: "REDIS_URL", value: "(hidden)", expected });
  }
  if (clusterNodes && !clusterNodes.every((node) => /^[^\s:]+:\d{1,5}$/.test(node))) {
    const expected = "nodes such as redis-0:6379,redis-1:6379";
    source.refuse({ name: "REDIS_CLUSTER_NODES", value: values.REDIS_CLUSTER_NODES ?? "", expected });
  }
  if (url !== undefined && clusterNodes) {
    const expected = "nothing, since REDIS_CLUSTER_NODES is given too";
    source.refuse({ name: "REDIS_URL", value: "(hidden)", expected });
  }
  if (url === undefined && !clusterNodes) return undefined;
  const common = { username: values.REDIS_USERNAME, password, caFile: values.REDIS_TLS_CA_FILE };
  return clusterNodes ? { ...common, clusterNodes, tls: values.REDIS_TLS } : { ...common, url };
}
