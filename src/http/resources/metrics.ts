import { type Awaitable, whenReady } from "../../async.ts";
import type { Exchange, Service } from "../exchange.ts";
import { DELAY_BOUNDS } from "../metrics/metrics.ts";
import { type Family, OPEN_METRICS, writeFamilies } from "../metrics/open-metrics.ts";
import { reply } from "../response/reply.ts";
import type { StoreFigures } from "../../store/count-store.ts";
import { VERSION } from "../../version.ts";

/** `GET /metrics`: the metrics of this process, always in OpenMetrics. */
export function getMetrics(service: Service, exchange: Exchange): Awaitable<Response> {
  return whenReady(service.store.figures(), (figures) => {
    const headers = new Headers({ "content-type": OPEN_METRICS, "cache-control": "no-store" });
    return reply(exchange, writeFamilies([...ofStore(figures), ...ofProcess(service)]), { headers });
  });
}

function ofStore({ songs, plays, folds, bytes }: StoreFigures): Family[] {
  const families: Family[] = [
    gauge("playcount_songs", "Songs that occupy room.", songs),
    {
      name: "playcount_plays",
      type: "counter",
      help: "Plays counted since the start.",
      samples: [{ suffix: "_total", value: plays }],
    },
    {
      name: "playcount_folds",
      type: "gauge",
      help: "Folds that are open, or sealed and unacknowledged.",
      samples: [
        { labels: { state: "open" }, value: 1 },
        { labels: { state: "sealed" }, value: folds },
      ],
    },
  ];
  if (bytes === undefined) return families;
  return [...families, { ...gauge("playcount_store_bytes", "Memory of the store.", bytes), unit: "bytes" }];
}

function ofProcess({ metrics, requestCounts }: Service): Family[] {
  const { counts, sum } = metrics.delayHistogram;
  const requests = requestCounts().map(({ route, method, status, requests }) => ({
    suffix: "_total",
    labels: { route, method, status: String(status) },
    value: requests,
  }));
  const buckets = counts.map((value, at) => {
    const bound = DELAY_BOUNDS[at] as number;
    return { suffix: "_bucket", labels: { le: bound === Infinity ? "+Inf" : canonical(bound) }, value };
  });
  const delays = [
    ...buckets,
    { suffix: "_count", value: counts.at(-1) ?? 0 },
    { suffix: "_sum", value: sum },
  ];
  return [
    {
      name: "playcount_requests",
      type: "counter",
      help: "Requests answered; without a route if no route matches or the host or origin was refused.",
      samples: requests,
    },
    {
      name: "playcount_event_loop_delay_seconds",
      type: "histogram",
      unit: "seconds",
      help: "Delay of the event loops, measured ten times a second.",
      samples: delays,
    },
    gauge("playcount_workers", "Threads that answer requests now.", metrics.workers),
    {
      name: "playcount_worker_deaths",
      type: "counter",
      help: "Threads that ended unexpectedly.",
      samples: [{ suffix: "_total", value: metrics.deaths }],
    },
    {
      name: "playcount",
      type: "info",
      help: "Version of playcount.",
      samples: [{ suffix: "_info", labels: { version: VERSION }, value: 1 }],
    },
  ];
}

/** Writes a bound as OpenMetrics does: `1.0`. */
function canonical(bound: number): string {
  return Number.isInteger(bound) ? bound.toFixed(1) : String(bound);
}

function gauge(name: string, help: string, value: number): Family {
  return { name, type: "gauge", help, samples: [{ value }] };
}
