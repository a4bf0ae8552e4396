import { getOption } from "@bufbuild/protobuf";
import { AnalyticsService } from "#gen/ts/consciousness/analytics/v1/analytics_service_pb.js";
import { ExportsService } from "#gen/ts/consciousness/analytics/v1/exports_service_pb.js";
import { ReportsService } from "#gen/ts/consciousness/analytics/v1/reports_service_pb.js";
import { method as methodPolicy } from "#gen/ts/consciousness/contract/v1/contract_pb.js";
import { deadLettersOf } from "../kit/events/dead-letters-of.js";
import { keyEncryptionKey } from "../kit/sealing/key-encryption-key.js";
import { openSchema } from "../kit/stores/database/kysely.js";
import { migrate, readMigrations } from "../kit/stores/database/migrate.js";
import { keepTending } from "../kit/tending.js";
import { implement, type Platform, type WorkloadDefinition } from "../kit/workload.js";
import { type AnalyticsConfig, readConfig, secretSetting } from "./config.js";
import { type Ask, createAsk } from "./domain/ask.js";
import { createPseudonyms } from "./domain/pseudonyms.js";
import { openExports } from "./exports/handlers.js";
import type { ExportTables } from "./exports/rows.js";
import { type Ingest, startIngest } from "./ingest/ingest.js";
import { createLive } from "./live/live-metrics.js";
import { createWatchers } from "./live/watchers.js";
import { openStore } from "./open-store.js";
import { openReports } from "./reports/handlers.js";
import type { ReportTables } from "./reports/rows.js";
import { forgetting } from "./retention.js";
import { getConsciousness } from "./rpc/get-consciousness.js";
import { getMetrics } from "./rpc/get-metrics.js";
import { getPerformance } from "./rpc/get-performance.js";
import { query } from "./rpc/query.js";
import { watchMetrics } from "./rpc/watch-metrics.js";
import type { ColumnStore } from "./store/port.js";

const schema = "analytics";

/** Says what was decided, how fast and how well. */
export const definition: WorkloadDefinition<AnalyticsConfig> = {
  config: readConfig,

  async start(config, platform) {
    const database = await platform.database();
    await migrate(database, { schema, migrations: await readMigrations(schema) });
    const db = openSchema<ExportTables & ReportTables>(database, schema);
    const secret = await readSecret(config, platform);
    const store = await openStore(config.store, platform);
    const pseudonyms = createPseudonyms(secret);
    const { bus, log, metrics, clock } = platform;
    if (!platform.hears("engine")) log.warn("decisions are not counted: events of the engine need NATS_URL");
    const deadLetters = deadLettersOf(bus, db);
    const ingest = await startIngest({ bus, log, metrics, clock, deadLetters, store, pseudonyms });
    const forget = forgetting({ store, days: config.retentionDays, clock });
    const exports = openExports({ config: config.exports, store, db, pseudonyms, secret, platform });
    const ask = createAsk(store, config.bounds);
    const { retentionDays } = config;
    const reports = openReports({ ask, store, db, clock, retentionDays });
    const chores = {
      "forgetting decisions": forget,
      "removing exports": exports.sweep,
      "watching for anomalies": reports.watch,
    };
    const tending = keepTending(chores, () => log);
    return {
      implementations: [
        implement(AnalyticsService, analyticsHandlers({ config, platform, store, ask, pseudonyms, ingest })),
        implement(ExportsService, exports.handlers),
        implement(ReportsService, reports.handlers),
      ],
      dependencies: [
        { name: "database", check: (signal) => database.ping(signal) },
        // Where everything is one process, the engine goes on without figures, and events wait.
        { name: "analytics store", degrades: true, check: (signal) => store.ping(signal) },
      ],
      async stop() {
        await Promise.all([ingest.stop(), tending.stop(), exports.stop()]);
        await reports.stop();
        await store.close();
      },
    };
  },
};

interface Parts {
  readonly config: AnalyticsConfig;
  readonly platform: Platform;
  readonly store: ColumnStore;
  readonly ask: Ask;
  readonly pseudonyms: ReturnType<typeof createPseudonyms>;
  readonly ingest: Ingest;
}

function analyticsHandlers({ config, platform, store, ask, pseudonyms, ingest }: Parts) {
  const { clock } = platform;
  const { bounds } = config;
  const { lag } = ingest;
  const live = createLive({ ask, clock, lag });
  const watching = { live, watchers: createWatchers(), longestMs: longestWatchMs() };
  return {
    getMetrics: getMetrics({ live }),
    watchMetrics: watchMetrics(watching),
    getPerformance: getPerformance({ ask, clock }),
    getConsciousness: getConsciousness({ ask, clock }),
    query: query({ store, bounds, pseudonyms, lag }),
  };
}

/** The secret that pseudonyms and links are made with. */
function readSecret(
  { secret: configured }: AnalyticsConfig,
  { dataDirectory }: Platform,
): Promise<Uint8Array> {
  const file = "analytics-secret";
  return keyEncryptionKey({ setting: secretSetting, configured, directory: dataDirectory, file });
}

/** The chain bounds no stream, so that the handler does. */
function longestWatchMs(): number {
  const { deadlineMs } = getOption(AnalyticsService.method.watchMetrics, methodPolicy);
  if (deadlineMs === undefined) throw new Error("the contract does not say how long one may watch");
  return deadlineMs;
}
