import { AgentsService } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import { SubjectsService } from "#gen/ts/consciousness/auth/v1/subjects_service_pb.js";
import { openSchema } from "../kit/stores/database/kysely.js";
import { migrate, readMigrations } from "../kit/stores/database/migrate.js";
import { implement, type WorkloadDefinition } from "../kit/workload.js";
import { type AgentsConfig, readConfig } from "./config.js";
import type { AgentTables } from "./rows.js";
import { createAgent } from "./rpc/create-agent.js";
import { deleteAgent } from "./rpc/delete-agent.js";
import { getAgent } from "./rpc/get-agent.js";
import { listAgentShares } from "./rpc/list-agent-shares.js";
import { listAgents } from "./rpc/list-agents.js";
import { shareAgent } from "./rpc/share-agent.js";
import { unshareAgent } from "./rpc/unshare-agent.js";
import { updateAgent } from "./rpc/update-agent.js";
import { agentStore } from "./store.js";

const schema = "agents";

/** Keeps agents, what they know, and with whom they are shared. */
export const definition: WorkloadDefinition<AgentsConfig> = {
  config: readConfig,

  async start({ knowledgeBytes, sharesPerAgent }, platform) {
    const database = await platform.database();
    await migrate(database, { schema, migrations: await readMigrations(schema) });
    const store = agentStore({ db: openSchema<AgentTables>(database, schema), clock: platform.clock });
    const handlers = {
      listAgents: listAgents({ store }),
      createAgent: createAgent({ store, knowledgeBytes }),
      getAgent: getAgent({ store }),
      updateAgent: updateAgent({ store, knowledgeBytes }),
      deleteAgent: deleteAgent({ store }),
      shareAgent: shareAgent({ store, subjects: platform.peer(SubjectsService), sharesPerAgent }),
      unshareAgent: unshareAgent({ store }),
      listAgentShares: listAgentShares({ store }),
    };
    return {
      implementations: [implement(AgentsService, handlers)],
      dependencies: [{ name: "database", check: (signal) => database.ping(signal) }],
    };
  },
};
