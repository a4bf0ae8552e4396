import type { DescService } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { AgentsService } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import { AnalyticsService } from "#gen/ts/consciousness/analytics/v1/analytics_service_pb.js";
import { ExportsService } from "#gen/ts/consciousness/analytics/v1/exports_service_pb.js";
import { ReportsService } from "#gen/ts/consciousness/analytics/v1/reports_service_pb.js";
import { AccountsService } from "#gen/ts/consciousness/auth/v1/accounts_service_pb.js";
import { ApiKeysService } from "#gen/ts/consciousness/auth/v1/api_keys_service_pb.js";
import { AuditService } from "#gen/ts/consciousness/auth/v1/audit_service_pb.js";
import { AuthService } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { DiscoveryService } from "#gen/ts/consciousness/auth/v1/discovery_service_pb.js";
import { PlansService } from "#gen/ts/consciousness/auth/v1/plans_service_pb.js";
import { RolesService } from "#gen/ts/consciousness/auth/v1/roles_service_pb.js";
import { ServiceAccountsService } from "#gen/ts/consciousness/auth/v1/service_accounts_service_pb.js";
import { SessionsService } from "#gen/ts/consciousness/auth/v1/sessions_service_pb.js";
import { TenantsService } from "#gen/ts/consciousness/auth/v1/tenants_service_pb.js";
import { UsersService } from "#gen/ts/consciousness/auth/v1/users_service_pb.js";
import { CalibrationService } from "#gen/ts/consciousness/engine/v1/calibration_service_pb.js";
import { EngineService } from "#gen/ts/consciousness/engine/v1/engine_service_pb.js";
import { ChatService } from "#gen/ts/consciousness/openai/v1/chat_service_pb.js";
import { PolicyService } from "#gen/ts/consciousness/policy/v1/policy_service_pb.js";
import { UsageService } from "#gen/ts/consciousness/usage/v1/usage_service_pb.js";
import { resolveContract } from "../kit/contract/method.js";
import { type Implementation, implement, type Platform, type WorkloadDefinition } from "../kit/workload.js";
import { type EdgeConfig, readConfig } from "./config.js";
import { createEdge } from "./edge/edge.js";
import { clearByEvents, isKept, keepAnswers } from "./edge/kept-answers.js";
import { signIn } from "./edge/sign-in.js";
import { tokenEndpoint } from "./edge/token-endpoint.js";
import { forward, type Keep } from "./forward.js";
import { usageHandlers } from "./usage/handlers.js";

/** Those that are only passed on. */
const forwarded: readonly DescService[] = [
  AccountsService,
  ApiKeysService,
  TenantsService,
  UsersService,
  RolesService,
  SessionsService,
  DiscoveryService,
  AuditService,
  AgentsService,
  EngineService,
  ChatService,
  CalibrationService,
  PolicyService,
  AnalyticsService,
  ExportsService,
  ReportsService,
];
const services: readonly DescService[] = [AuthService, ServiceAccountsService, ...forwarded];

/** The edge: everything it offers is another workload's, under the chain of the edge. */
export const definition: WorkloadDefinition<EdgeConfig> = {
  config: readConfig,

  async start(config, platform) {
    const clearing = await clearByEvents([...resolveContract(services).methods.values()], platform);
    return {
      implementations: implementations(config, platform),
      edge: createEdge({ ...platform, config }),
      // A workload that is away fails its own routes with DEPENDENCY_UNAVAILABLE; the others go on.
      dependencies: [],
      async stop() {
        await Promise.all(clearing.map((consumer) => consumer.stop()));
      },
    };
  },
};

function implementations({ sessionCookies, origins }: EdgeConfig, platform: Platform): Implementation[] {
  const { peer } = platform;
  const auth = peer(AuthService);
  const keep: Keep = (contract, call) =>
    isKept(contract) ? keepAnswers(contract, call, platform) : undefined;
  const { handlers } = forward(AuthService, auth, keep);
  const accounts = peer(ServiceAccountsService);
  const sessions = signIn(auth, { enabled: sessionCookies, origins });
  return [
    implement(AuthService, { ...handlers, ...sessions } as ServiceImpl<typeof AuthService>),
    implement(ServiceAccountsService, {
      ...forward(ServiceAccountsService, accounts, keep).handlers,
      ...tokenEndpoint(accounts),
    } as ServiceImpl<typeof ServiceAccountsService>),
    ...forwarded.map((service) => forward(service, peer(service), keep)),
    implement(UsageService, usageHandlers({ ...platform, plans: peer(PlansService) })),
  ];
}
