import type { Duration } from "./durations.js";

/** Labels that make alerts one notification. */
export const grouping = ["namespace", "alertname", "job", "slo"] as const;

/** How long notifications of a severity wait. */
export interface Waiting {
  /** For more alerts of the same group. */
  readonly groupWait: Duration;
  /** Between two notifications of one group. */
  readonly groupInterval: Duration;
  /** Until an alert that still fires is sent again. */
  readonly repeatInterval: Duration;
}

/** Pages are sent soon and again, tickets are collected. */
export const waiting = {
  page: { groupWait: "10s", groupInterval: "1m", repeatInterval: "4h" },
  ticket: { groupWait: "5m", groupInterval: "15m", repeatInterval: "3d" },
} as const satisfies Record<string, Waiting>;

/** An alert that makes another superfluous, as long as their labels agree. */
export interface Inhibition {
  readonly source: Readonly<Record<string, string>>;
  readonly target: Readonly<Record<string, string>>;
  readonly equal: readonly string[];
}

/** What follows from something else is not told as well. */
export const inhibitions: readonly Inhibition[] = [
  {
    source: { severity: "page" },
    target: { severity: "ticket" },
    equal: ["namespace", "job", "alertname", "slo"],
  },
  {
    source: { alertname: "WorkloadDown" },
    target: { alertname: "ReplicaDown" },
    equal: ["namespace", "job"],
  },
  {
    source: { alertname: "OutboxVeryOld" },
    target: { alertname: "OutboxOld" },
    equal: ["namespace", "workload"],
  },
  {
    source: { alertname: "CertificateEndsSoon" },
    target: { alertname: "CertificateEnds" },
    equal: ["namespace", "job", "use"],
  },
];

/** Where notifications of each severity go, as Alertmanager's configuration has it. */
export type Receivers = Readonly<Record<keyof typeof waiting, object>>;

const secrets = "/etc/alertmanager/secrets";

/** Receivers whose keys are files: a pager for what cannot wait, a chat for what can. */
export const shippedReceivers: Receivers = {
  page: { pagerduty_configs: [{ routing_key_file: `${secrets}/pager-key`, send_resolved: true }] },
  ticket: {
    slack_configs: [
      { api_url_file: `${secrets}/chat-url`, channel: "#consciousness-alerts", send_resolved: true },
    ],
  },
};

/** Alertmanager's configuration; waiting times as `scaled` makes them. */
export function alertmanagerConfig(
  receivers: Receivers,
  scaled: (duration: Duration) => Duration = (duration) => duration,
) {
  const times = ({ groupWait, groupInterval, repeatInterval }: Waiting) => ({
    group_wait: scaled(groupWait),
    group_interval: scaled(groupInterval),
    repeat_interval: scaled(repeatInterval),
  });
  const matchers = (labels: Readonly<Record<string, string>>) =>
    Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
  return {
    route: {
      receiver: "ticket",
      group_by: [...grouping],
      ...times(waiting.ticket),
      routes: [{ receiver: "page", matchers: ['severity="page"'], ...times(waiting.page) }],
    },
    inhibit_rules: inhibitions.map(({ source, target, equal }) => ({
      source_matchers: matchers(source),
      target_matchers: matchers(target),
      equal: [...equal],
    })),
    receivers: [
      { name: "page", ...receivers.page },
      { name: "ticket", ...receivers.ticket },
    ],
  };
}
