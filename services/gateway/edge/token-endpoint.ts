import type { ServiceImpl } from "@connectrpc/connect";
import type {
  ServiceAccountsService,
  TokenRequest,
} from "#gen/ts/consciousness/auth/v1/service_accounts_service_pb.js";
import { errors } from "../../kit/errors.js";
import type { Peer } from "../../kit/peers/peers.js";

type Form = NonNullable<TokenRequest["form"]>;

const basic = /^Basic +([A-Za-z0-9+/=]{1,1024})$/i;
const longestForm = 4096;

/**
 * The token endpoint. A client may name itself in `Authorization: Basic`
 * (RFC 6749, section 2.3.1), which is no part of a message: it goes on in the form.
 */
export function tokenEndpoint(
  accounts: Peer<typeof ServiceAccountsService>,
): Pick<ServiceImpl<typeof ServiceAccountsService>, "token"> {
  return {
    token({ form }, context) {
      const client = basicClient(context.requestHeader.get("authorization"));
      return accounts.token({ ...(form && { form: client ? withClient(form, client) : form }) }, context);
    },
  };
}

interface Client {
  readonly id: string;
  readonly secret: string;
}

/** Whom the header names; undefined without one of that scheme. Throws CLIENT_CREDENTIALS_INVALID. */
function basicClient(header: string | null): Client | undefined {
  if (header === null || !/^Basic /i.test(header)) return undefined;
  const pair = Buffer.from(basic.exec(header)?.[1] ?? "", "base64").toString("utf8");
  const colon = pair.indexOf(":");
  if (colon < 0) throw errors.clientCredentialsInvalid();
  return { id: unescaped(pair.slice(0, colon)), secret: unescaped(pair.slice(colon + 1)) };
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw errors.clientCredentialsInvalid();
  }
}

/** A form that names the client too. Throws CREDENTIALS_AMBIGUOUS where it has a secret of its own. */
function withClient(form: Form, { id, secret }: Client): Form {
  // What is too long is refused behind us, unread.
  if (form.data.length > longestForm) return form;
  const parameters = new URLSearchParams(Buffer.from(form.data).toString("utf8"));
  if (parameters.has("client_secret")) {
    throw errors.credentialsAmbiguous({ first: "Authorization: Basic", second: "client_secret" });
  }
  if (parameters.getAll("client_id").some((given) => given !== id)) throw errors.clientCredentialsInvalid();
  parameters.set("client_id", id);
  parameters.set("client_secret", secret);
  return { ...form, data: Buffer.from(parameters.toString()) };
}
