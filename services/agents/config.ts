import { type ConfigSource, integer } from "../kit/config.js";

/** What may change without a release. */
export interface AgentsConfig {
  /** How much knowledge one agent keeps: UTF-8 bytes of all titles and texts. */
  readonly knowledgeBytes: number;
  /** With how many one agent may be shared. */
  readonly sharesPerAgent: number;
}

/** Reads the configuration; problems stay in the source. */
export function readConfig(source: ConfigSource): AgentsConfig {
  const values = source.read({
    AGENTS_KNOWLEDGE_BYTES: integer(1024, 16 * 1024 * 1024, { fallback: 512 * 1024 }),
    AGENTS_SHARES: integer(0, 1000, { fallback: 100 }),
  });
  return { knowledgeBytes: values.AGENTS_KNOWLEDGE_BYTES, sharesPerAgent: values.AGENTS_SHARES };
}
