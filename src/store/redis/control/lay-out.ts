import type { Cluster } from "../cluster/cluster.ts";
import { slotOf } from "../cluster/slots.ts";
import { CONTROL, decodeLayout, encodeControl, type LayoutReply } from "../scripts/control.ts";
import type { LayoutData } from "../shards/layout.ts";

/** Lays the counts out as wanted, if they are not laid out yet. Returns the layout in force. */
export async function layOut(cluster: Cluster, wanted: LayoutData): Promise<LayoutReply> {
  const { prefix } = wanted;
  const args = encodeControl({ verb: "lay out", layout: wanted });
  const run = { slot: slotOf(prefix), script: CONTROL, keys: [`{${prefix}}`], args };
  return decodeLayout(prefix, await cluster.run(run));
}
