import type { Kysely } from "kysely";
import type { Blobs } from "./port.js";

/** Row of `export_pieces`. */
export interface ExportPiecesTable {
  file: string;
  position: number;
  content: Uint8Array;
}

/** Bytes of a row: so many that a statement costs little beside them, so few that several in memory matter little. */
const rowBytes = 1_048_576;
const pieceBytes = 65_536;

/**
 * Blobs as rows of the database, which all replicas share when no directory is:
 * whoever serves a download has it, and a file goes where its job is backed up.
 */
export function pieceBlobs(db: Kysely<{ export_pieces: ExportPiecesTable }>): Blobs {
  const at = async (file: string, position: number) =>
    (
      await db
        .selectFrom("export_pieces")
        .select("content")
        .where("file", "=", file)
        .where("position", "=", position)
        .executeTakeFirst()
    )?.content;

  async function* from(file: string, first: Uint8Array): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    let content: Uint8Array | undefined = first;
    for (let position = 1; content; position += 1) {
      for (let start = 0; start < content.length; start += pieceBytes) {
        yield new Uint8Array(content.subarray(start, start + pieceBytes));
      }
      content = await at(file, position);
    }
  }

  return {
    async write(file, content) {
      let position = 0;
      let bytes = 0;
      for await (const row of inRows(content)) {
        await db.insertInto("export_pieces").values({ file, position, content: row }).execute();
        position += 1;
        bytes += row.length;
      }
      return bytes;
    },
    async read(file) {
      const first = await at(file, 0);
      return first && from(file, first);
    },
    async remove(file) {
      await db.deleteFrom("export_pieces").where("file", "=", file).execute();
    },
  };
}

/** The content cut anew; at least one row, which may be empty. */
async function* inRows(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let collected: Uint8Array[] = [];
  let length = 0;
  let isFirst = true;
  for await (const piece of content) {
    collected.push(piece);
    length += piece.length;
    if (length < rowBytes) continue;
    yield Buffer.concat(collected);
    isFirst = false;
    collected = [];
    length = 0;
  }
  if (length > 0 || isFirst) yield Buffer.concat(collected);
}
