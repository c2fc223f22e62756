import worker, { type CounterBindings } from "../../src/adapters/durable-object.ts";
import { identify } from "./identify.ts";

export { PlayCounter } from "../../src/adapters/durable-object.ts";

// The server under test on workerd.
export default {
  fetch(request: Request, bindings: CounterBindings): Promise<Response> {
    return identify((asked) => worker.fetch(asked, bindings))(request);
  },
};
