import { type ConfigSource, integer, oneOf, optionalText } from "../../kit/config.js";

/** What may change about exports without a release. Times are in milliseconds. */
export interface ExportsConfig {
  /** Rows that are sent while the caller waits. */
  readonly rowLimit: number;
  /** How many files a process sends so at once. */
  readonly sentAtOnce: number;
  /** Jobs that a tenant may have at once, with those whose files are kept. */
  readonly jobs: number;
  /** How many jobs a process writes at once. */
  readonly workers: number;
  /** Bytes that the file of a job may have. */
  readonly mostBytes: number;
  /** How long writing one may take. */
  readonly longestMs: number;
  /** How long a job and its file are kept. */
  readonly keptMs: number;
  /** How long a link is good. */
  readonly linkMs: number;
  /** Where files are kept. */
  readonly files: FilesConfig;
}

/** Where files of jobs are kept. */
export type FilesConfig =
  /** A directory: of the process, or where one is named, of all replicas. */
  | { readonly kind: "directory"; readonly path: string | undefined }
  /** The database, which replicas share. */
  | { readonly kind: "database" };

const hourMs = 3_600_000;
const mebibyte = 1_048_576;

/** Exports as shipped. */
export const exportDefaults: ExportsConfig = {
  rowLimit: 100_000,
  sentAtOnce: 4,
  jobs: 20,
  workers: 1,
  mostBytes: 4096 * mebibyte,
  longestMs: hourMs,
  keptMs: 24 * hourMs,
  linkMs: 15 * 60_000,
  files: { kind: "directory", path: undefined },
};

/** Reads the configuration; problems stay in the source. */
export function readExportsConfig(source: ConfigSource): ExportsConfig {
  const usual = exportDefaults;
  const values = source.read({
    ANALYTICS_EXPORT_ROWS: integer(0, 100_000_000, { fallback: usual.rowLimit }),
    ANALYTICS_EXPORTS_SENT: integer(1, 1_000, { fallback: usual.sentAtOnce }),
    ANALYTICS_EXPORT_JOBS: integer(0, 10_000, { fallback: usual.jobs }),
    ANALYTICS_EXPORT_WORKERS: integer(1, 64, { fallback: usual.workers }),
    ANALYTICS_EXPORT_MIB: integer(1, 1_048_576, { fallback: usual.mostBytes / mebibyte }),
    ANALYTICS_EXPORT_SECONDS: integer(1, 86_400, { fallback: usual.longestMs / 1000 }),
    ANALYTICS_EXPORT_HOURS: integer(1, 8_760, { fallback: usual.keptMs / hourMs }),
    ANALYTICS_EXPORT_LINK_SECONDS: integer(1, 86_400, { fallback: usual.linkMs / 1000 }),
    ANALYTICS_EXPORTS_DIRECTORY: optionalText(),
    DEPLOYMENT: oneOf(["single", "replicated"], { fallback: "single" }),
  });
  const path = values.ANALYTICS_EXPORTS_DIRECTORY;
  return {
    rowLimit: values.ANALYTICS_EXPORT_ROWS,
    sentAtOnce: values.ANALYTICS_EXPORTS_SENT,
    jobs: values.ANALYTICS_EXPORT_JOBS,
    workers: values.ANALYTICS_EXPORT_WORKERS,
    mostBytes: values.ANALYTICS_EXPORT_MIB * mebibyte,
    longestMs: values.ANALYTICS_EXPORT_SECONDS * 1000,
    keptMs: values.ANALYTICS_EXPORT_HOURS * hourMs,
    linkMs: values.ANALYTICS_EXPORT_LINK_SECONDS * 1000,
    files:
      values.DEPLOYMENT === "replicated" && path === undefined
        ? { kind: "database" }
        : { kind: "directory", path },
  };
}
