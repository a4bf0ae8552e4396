import type { PostgresPoolClient } from "kysely";

/** Tables of a schema that only its owner needs. */
const bookkeeping = ["migrations", "partitioned_tables", "jobs"];

/** The role in which a service works on its schema. */
export function serviceRole(schema: string): string {
  return `${schema}_service`;
}

/**
 * Makes the service role of a schema, unless it is there, and lets it read and
 * write the schema's tables, those to come included, and nothing else. The owner
 * and `login` may take the role. Needs CREATEROLE where the role is not there yet.
 *
 * Roles belong to the server and schemas to a database, so that starters of two
 * databases may meet here: who finds the role made meanwhile takes it.
 */
export async function grantServiceRole(
  client: PostgresPoolClient,
  schema: string,
  login: string | undefined,
): Promise<void> {
  const role = serviceRole(schema);
  const tables = "select, insert, update, delete";
  const hidden = bookkeeping.map((table) => `"${schema}".${table}`).join(", ");
  await client.query(
    `do $$ begin
       if not exists (select from pg_roles where rolname = '${role}') then
         create role "${role}" nologin;
       end if;
     exception when duplicate_object or unique_violation then null;
     end $$;
     ${memberOf(role, "current_user", "current_user")};
     ${login === undefined ? "" : `${memberOf(role, literal(login), identifier(login))};`}
     grant usage on schema "${schema}" to "${role}";
     grant ${tables} on all tables in schema "${schema}" to "${role}";
     grant usage on all sequences in schema "${schema}" to "${role}";
     revoke all on ${hidden} from "${role}";
     alter default privileges in schema "${schema}" grant ${tables} on tables to "${role}";
     alter default privileges in schema "${schema}" grant usage on sequences to "${role}"`,
    [],
  );
}

function memberOf(role: string, name: string, grantee: string): string {
  return `do $$ begin
    if not pg_has_role(${name}, '${role}', 'member') then
      grant "${role}" to ${grantee};
    end if;
  exception when unique_violation then null;
  end $$`;
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
