import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { alertmanagerConfig } from "../../../k8s/observability/alertmanager.js";
import { scaledBy } from "../../../k8s/observability/durations.js";
import { prometheusConfig } from "../../../k8s/observability/prometheus.js";
import { ruleGroups } from "../../../k8s/observability/rules.js";
import { contract } from "../../k8s/observability/rules.js";
import { type Server, startServer } from "../servers/server.js";
import { textOf } from "./tools.js";

/** An alert as a receiver is told of it. */
export interface Told {
  readonly status: "firing" | "resolved";
  readonly labels: Readonly<Record<string, string>>;
  /** By which receiver: `page`. */
  readonly receiver: string;
}

/** A Prometheus and an Alertmanager that watch, and a receiver of their notifications. */
export interface Monitoring {
  /** Everything that the receiver was told so far. */
  readonly told: readonly Told[];
  /** Values of an instant query, by labels. */
  query(
    expr: string,
  ): Promise<readonly { readonly labels: Record<string, string>; readonly value: number }[]>;
  /** Why targets are not read, for failures. */
  problems(): Promise<string>;
  stop(): Promise<void>;
}

/** Watches targets with all rules and the routing as generated, times a factor. */
export async function startMonitoring(options: {
  readonly targets: Readonly<Record<string, readonly string[]>>;
  readonly token: string;
  readonly factor: number;
}): Promise<Monitoring> {
  const directory = await mkdtemp(join(tmpdir(), "monitoring-"));
  const file = (name: string) => join(directory, name);
  const receiver = await startReceiver();
  const receivers = {
    page: { webhook_configs: [{ url: `${receiver.url}/page`, send_resolved: true }] },
    ticket: { webhook_configs: [{ url: `${receiver.url}/ticket`, send_resolved: true }] },
  };
  const scaled = scaledBy(options.factor);
  await writeFile(file("alertmanager.yaml"), textOf(alertmanagerConfig(receivers, scaled)));
  await writeFile(file("rules.yaml"), textOf({ groups: ruleGroups(contract, options.factor) }));
  await writeFile(file("token"), options.token);
  const alertmanager = await startServer({
    command: "prometheus-alertmanager",
    arguments: (port, data) => [
      `--config.file=${file("alertmanager.yaml")}`,
      `--storage.path=${data}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--cluster.listen-address=",
    ],
    ready: answers("/-/ready"),
  });
  const watched = prometheusConfig({
    targets: options.targets,
    tokenFile: file("token"),
    rulesFile: file("rules.yaml"),
    alertmanager: `127.0.0.1:${alertmanager.port}`,
    interval: "1s",
  });
  await writeFile(file("prometheus.yaml"), textOf(watched));
  const prometheus = await startServer({
    command: "prometheus",
    arguments: (port, data) => [
      `--config.file=${file("prometheus.yaml")}`,
      `--storage.tsdb.path=${data}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    ready: answers("/-/ready"),
  });
  return {
    told: receiver.told,
    query: (expr) => instantQuery(prometheus, expr),
    problems: () => scrapeErrors(prometheus),
    async stop() {
      await prometheus.stop();
      await alertmanager.stop();
      await receiver.stop();
      await rm(directory, { recursive: true });
    },
  };
}

function answers(path: string): (port: number) => Promise<void> {
  return async (port) => {
    const { status } = await fetch(`http://127.0.0.1:${port}${path}`);
    if (status !== 200) throw new Error(`${path} answered ${status}`);
  };
}

async function instantQuery({ port }: Server, expr: string) {
  const response = await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(expr)}`);
  const { data } = (await response.json()) as {
    data: { result: { metric: Record<string, string>; value: [number, string] }[] };
  };
  return data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
}

async function scrapeErrors({ port }: Server): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/api/v1/targets?state=active`);
  const { data } = (await response.json()) as {
    data: { activeTargets: { scrapePool: string; lastError: string }[] };
  };
  return data.activeTargets.map(({ scrapePool, lastError }) => `${scrapePool}: ${lastError}`).join("\n");
}

/** Takes Alertmanager's notifications; the path says which receiver it is. */
async function startReceiver() {
  const told: Told[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { alerts } = JSON.parse(Buffer.concat(chunks).toString()) as { alerts: Omit<Told, "receiver">[] };
    for (const { status, labels } of alerts) {
      told.push({ status, labels, receiver: (request.url ?? "").slice(1) });
    }
    response.end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    told,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
