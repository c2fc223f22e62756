/** Media type of OpenMetrics 1.0, without parameters. */
export const OPEN_METRICS = "application/openmetrics-text";

/** Media type of the older text format of Prometheus, without parameters. */
export const OLDER_TEXT = "text/plain";

/** One number of a metric family. The name of the number is that of the family with `suffix`. */
export interface Sample {
  suffix?: string;
  labels?: Readonly<Record<string, string>>;
  value: number;
}

/** A metric family: numbers with the same meaning. */
export interface Family {
  name: string;
  type: "counter" | "gauge" | "histogram" | "info";
  unit?: "seconds" | "bytes";
  help: string;
  samples: readonly Sample[];
}

/** Metric families as text, and its content type. */
export interface Exposition {
  contentType: string;
  text: string;
}

/** Writes metric families in OpenMetrics 1.0. */
export function toOpenMetrics(families: readonly Family[]): Exposition {
  const contentType = `${OPEN_METRICS}; version=1.0.0; charset=utf-8`;
  return { contentType, text: `${families.map(writeFamily).join("")}# EOF\n` };
}

/** Writes metric families in the older text format. */
export function toOlderText(families: readonly Family[]): Exposition {
  const contentType = `${OLDER_TEXT}; version=0.0.4; charset=utf-8`;
  return { contentType, text: families.map((family) => writeFamily(toOlder(family))).join("") };
}

/**
 * In the older format, families of one sample have the name of the sample, an info is a gauge, and units are
 * left out.
 */
function toOlder({ name, type, help, samples }: Family): Family {
  const suffix = type === "counter" ? "_total" : type === "info" ? "_info" : undefined;
  if (suffix === undefined) return { name, type, help, samples };
  return {
    name: name + suffix,
    type: type === "info" ? "gauge" : type,
    help,
    samples: samples.map(({ labels = {}, value }) => ({ labels, value })),
  };
}

function writeFamily({ name, type, unit, help, samples }: Family): string {
  return [
    `# TYPE ${name} ${type}`,
    ...(unit === undefined ? [] : [`# UNIT ${name} ${unit}`]),
    `# HELP ${name} ${escape(help)}`,
    ...samples.map(
      ({ suffix = "", labels = {}, value }) => `${name}${suffix}${writeLabels(labels)} ${value}`,
    ),
  ]
    .map((line) => `${line}\n`)
    .join("");
}

function writeLabels(labels: Readonly<Record<string, string>>): string {
  const written = Object.entries(labels).map(([name, value]) => `${name}="${escape(value)}"`);
  return written.length === 0 ? "" : `{${written.join(",")}}`;
}

function escape(text: string): string {
  return text.replace(/[\\"\n]/g, (character) => (character === "\n" ? "\\n" : `\\${character}`));
}
