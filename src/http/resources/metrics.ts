import { type Awaitable, whenReady } from "../../async/awaitable.ts";
import type { Exchange, Service } from "../exchange.ts";
import { DELAY_BOUNDS } from "../metrics/metrics.ts";
import { type Family, OLDER_TEXT, OPEN_METRICS, toOlderText, toOpenMetrics } from "../metrics/exposition.ts";
import { prefersNamed } from "../request/accept.ts";
import { headersOf, reply } from "../response/reply.ts";
import type { CountStore, StoreFigures } from "../../store/count-store.ts";
import { VERSION } from "../../version.ts";

/** `GET /metrics`: the metrics of this process, in OpenMetrics only for a client that names it. */
export function getMetrics(service: Service, exchange: Exchange): Awaitable<Response> {
  const accept = exchange.headers.get("accept");
  const write = prefersNamed(accept, OPEN_METRICS, OLDER_TEXT) ? toOpenMetrics : toOlderText;
  return whenReady(figuresOf(service.store), (figures) => {
    const { contentType, text } = write([...(figures ? ofStore(figures) : []), ...ofProcess(service)]);
    const headers = headersOf(contentType, { vary: "Accept", "cache-control": "no-store" });
    return reply(exchange, text, { headers });
  });
}

/** Returns the figures of a store; `undefined` if it is out of reach. */
function figuresOf(store: CountStore): Awaitable<StoreFigures | undefined> {
  const figures = store.figures();
  return figures instanceof Promise ? figures.catch(() => undefined) : figures;
}

function ofStore({ songs, folds, bytes, maxBytes, ...at }: StoreFigures): Family[] {
  const oldest = folds === 0 ? Date.now() : at.oldestSealedAt;
  const age = oldest && Math.max(0, Date.now() - oldest);
  return [
    gauge("playcount_songs", "Songs that count against max-songs.", songs),
    {
      name: "playcount_folds",
      type: "gauge",
      help: "Folds that are open, or sealed and unacknowledged.",
      samples: [
        { labels: { state: "open" }, value: 1 },
        { labels: { state: "sealed" }, value: folds },
      ],
    },
    ...known(
      "playcount_oldest_unacknowledged_fold_age_seconds",
      "Time since the oldest unacknowledged fold was sealed; 0 without one.",
      age,
      1000,
    ),
    ...known(
      "playcount_last_fold_sealed_timestamp_seconds",
      "Time when a fold was last sealed.",
      at.lastSealedAt,
      1000,
    ),
    ...known(
      "playcount_last_fold_acknowledged_timestamp_seconds",
      "Time when a fold was last acknowledged.",
      at.lastAcknowledgedAt,
      1000,
    ),
    ...known("playcount_store_bytes", "Memory of the store.", bytes),
    ...known("playcount_store_limit_bytes", "Most memory that the store may use.", maxBytes),
  ];
}

function ofProcess({ metrics, requestCounts, store }: Service): Family[] {
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
    gauge(
      "playcount_store_up",
      "1 if the store can count; otherwise 0.",
      Number(store.unavailableBecause === undefined),
    ),
    counter("playcount_plays", "Plays answered since the start.", metrics.plays),
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
    gauge(
      "process_start_time_seconds",
      "Time of the start, in seconds since 1970.",
      metrics.startedAt / 1000,
    ),
    gauge("playcount_streams", "Streams that are open now.", metrics.streams),
    gauge("playcount_workers", "Threads that answer requests now.", metrics.workers),
    counter("playcount_worker_deaths", "Threads that ended unexpectedly.", metrics.deaths),
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

/** Returns a gauge, unless its value is unknown. */
function known(name: string, help: string, value: number | undefined, divisor = 1): Family[] {
  return value === undefined ? [] : [gauge(name, help, value / divisor)];
}

function gauge(name: string, help: string, value: number): Family {
  const unit = (["seconds", "bytes"] as const).find((suffix) => name.endsWith(`_${suffix}`));
  return { name, type: "gauge", ...(unit && { unit }), help, samples: [{ value }] };
}

function counter(name: string, help: string, value: number): Family {
  return { name, type: "counter", help, samples: [{ suffix: "_total", value }] };
}
