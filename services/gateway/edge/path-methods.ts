import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { MethodContract } from "../../kit/contract/method.js";
import { allowed } from "../transcode/endpoint.js";
import { planRoutes } from "../transcode/route.js";
import { createRouter } from "../transcode/router.js";

/** What a port offers. */
export interface Offer {
  readonly services: readonly DescService[];
  readonly contracts: ReadonlyMap<DescMethod, MethodContract>;
  /** Paths that are read and no method's. */
  readonly documents: readonly string[];
}

const probe = "OPTIONS";
const reading = ["GET", "HEAD", "OPTIONS"];

/**
 * The HTTP methods of a raw path: of a method's own path as Connect and gRPC-Web
 * use it, of a document, and of what the annotations make. Undefined where there
 * is none; throws URL_MALFORMED.
 */
export function pathMethods({
  services,
  contracts,
  documents,
}: Offer): (path: string) => readonly string[] | undefined {
  const fixed = new Map<string, readonly string[]>(documents.map((path) => [path, reading]));
  for (const method of services.flatMap((service) => service.methods)) {
    const contract = contracts.get(method);
    // Our own calls alone reach what is not forwarded.
    if (contract && !contract.forwarded) continue;
    const readable = contract?.noSideEffects && method.methodKind === "unary";
    fixed.set(`/${method.parent.typeName}/${method.name}`, readable ? ["GET", "POST"] : ["POST"]);
  }
  const { routes } = planRoutes(services);
  const router = createRouter(
    routes.map(({ httpMethod, template }) => ({ httpMethod, template, value: httpMethod })),
  );
  return (path) => {
    const known = fixed.get(path);
    if (known) return known;
    const match = router.match(probe, path);
    if (match.kind === "method") return allowed(match.allow).split(", ");
    return match.kind === "found" ? [match.value] : undefined;
  };
}
