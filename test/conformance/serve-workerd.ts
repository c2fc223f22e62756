import playcount from "../../src/adapters/workerd.ts";
import { identify } from "./identify.ts";

// The server under test on workerd.
export default {
  fetch(request: Request, bindings: unknown): Promise<Response> {
    return identify((asked) => playcount.fetch(asked, bindings))(request);
  },
};
