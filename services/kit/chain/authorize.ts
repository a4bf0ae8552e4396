import { PermissionSchema } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { principalOf } from "../context.js";
import { errors } from "../errors.js";
import type { Layer } from "./chain.js";

/** Lets a principal pass only with the method's permission. */
export const authorize: Layer = ({ access }) => {
  if (access.kind !== "permission") return undefined;
  const permission = PermissionSchema.value[access.permission]!.localName;
  return {
    begin({ contextValues }) {
      const { permissions } = principalOf({ values: contextValues });
      if (!permissions.has(access.permission)) throw errors.permissionMissing({ permission });
    },
  };
};
