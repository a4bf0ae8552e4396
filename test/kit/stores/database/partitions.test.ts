import { emptyDatabase } from "../../../support/database.js";
import { schemaContract } from "../schema-contract.js";

schemaContract("schemas on PGlite", emptyDatabase);
