import type { DescService } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { AnalyticsService } from "#gen/ts/consciousness/analytics/v1/analytics_service_pb.js";
import { ExportsService } from "#gen/ts/consciousness/analytics/v1/exports_service_pb.js";
import { ReportsService } from "#gen/ts/consciousness/analytics/v1/reports_service_pb.js";
import { errors } from "../kit/errors.js";
import { implement, type WorkloadDefinition } from "../kit/workload.js";
import { type AnalyticsConfig, readConfig } from "./config.js";

/** Says what was decided, how fast and how well. */
export const definition: WorkloadDefinition<AnalyticsConfig> = {
  config: readConfig,

  async start() {
    return {
      implementations: [AnalyticsService, ExportsService, ReportsService].map(later),
      dependencies: [],
    };
  },
};

function later(service: DescService) {
  const handlers = Object.fromEntries(
    service.methods.map(({ localName, name }) => [
      localName,
      () => {
        throw errors.methodUnknown({ method: name });
      },
    ]),
  );
  return implement(service, handlers as ServiceImpl<DescService>);
}
