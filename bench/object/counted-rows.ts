import worker, {
  type Environment,
  type ObjectState,
  PlayCounter as Counter,
} from "../../src/adapters/durable-object.ts";

/** A cursor of workerd, which counts the rows that Cloudflare bills. */
interface Cursor extends Iterable<Record<string, unknown>> {
  readonly rowsRead: number;
  readonly rowsWritten: number;
}

/** The counter, with a path that answers the rows that were read and written since it was last asked for. */
export class PlayCounter extends Counter {
  readonly #rows: { read: number; written: number };

  constructor(state: ObjectState, bindings: Environment) {
    const rows = { read: 0, written: 0 };
    const { storage } = state;
    const sql: ObjectState["storage"]["sql"] = {
      exec(query, ...values) {
        const cursor = storage.sql.exec(query, ...values) as Cursor;
        const found = [...cursor];
        rows.read += cursor.rowsRead;
        rows.written += cursor.rowsWritten;
        return found;
      },
    };
    super(
      { ...state, id: state.id, storage: { sql, transactionSync: (act) => storage.transactionSync(act) } },
      bindings,
    );
    this.#rows = rows;
  }

  override fetch(request: Request): ReturnType<Counter["fetch"]> {
    if (!request.url.endsWith("/rows")) return super.fetch(request);
    const answer = Response.json(this.#rows);
    Object.assign(this.#rows, { read: 0, written: 0 });
    return answer;
  }
}

export default worker;
