import { YAML } from "bun";
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { FOLD_VARIABLES } from "../../src/cli/fold/arguments.ts";
import { readCommandLine } from "../../src/cli/command-line.ts";
import { noteIgnoredVariables } from "../../src/cli/command-line.ts";
import { createHandler, ShardedStore } from "../../src/mod.ts";
import { findProgram } from "../support/extent.ts";
import { environmentOfImage } from "./support/compose.ts";
import { filesIn, readText, readYaml, runTool } from "./support/files.ts";

setDefaultTimeout(300_000);

const SETS = ["memory", "data", "store"] as const;

interface Probe {
  httpGet: { path: string; port: string };
  periodSeconds: number;
  failureThreshold?: number;
}

interface Container {
  image: string;
  args?: string[];
  env: { name: string; value?: string; valueFrom?: object }[];
  ports?: { name: string; containerPort: number }[];
  volumeMounts?: { name: string; mountPath: string }[];
  resources: { requests: object; limits: { memory: string } };
  startupProbe?: Probe;
  readinessProbe?: Probe;
  livenessProbe?: Probe;
}

interface PodSpec {
  terminationGracePeriodSeconds?: number;
  containers: Container[];
}

interface Pod {
  metadata: { labels: object };
  spec: PodSpec;
}

interface Manifest {
  kind: string;
  metadata: { name: string };
  spec: Record<string, unknown> & { template?: Pod; jobTemplate?: { spec: { template: Pod } } };
}

/** Lists the manifests of a set, as kustomize puts them together, except for the name of the image. */
function manifestsOf(folder: string): Manifest[] {
  const { resources } = readYaml<{ resources: string[] }>(join(folder, "kustomization.yaml"));
  return resources.flatMap((path) =>
    path.endsWith(".yaml") ? [readYaml<Manifest>(join(folder, path))] : manifestsOf(join(folder, path)),
  );
}

function podOf({ spec }: Manifest): Pod | undefined {
  return spec.template ?? spec.jobTemplate?.spec.template;
}

/** Returns the only container of the manifest of a kind, with its pod. */
function containerOf(manifests: readonly Manifest[], kinds: RegExp): { pod: PodSpec; container: Container } {
  const pods = manifests.filter(({ kind }) => kinds.test(kind)).flatMap((each) => podOf(each) ?? []);
  const [{ spec: pod }] = pods as [Pod];
  const [container] = pod.containers as [Container];
  expect([pods.length, pod.containers.length]).toEqual([1, 1]);
  return { pod, container };
}

/** Returns the variables of a container whose values the manifest has. */
function variablesOf({ env }: Container): Record<string, string> {
  return Object.fromEntries(env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])));
}

const MIB = 2 ** 20;

describe.each(SETS)("The manifests of %s", (set) => {
  const manifests = manifestsOf(`kubernetes/${set}`);
  const server = containerOf(manifests, /^(?:Deployment|StatefulSet)$/);
  const fold = containerOf(manifests, /^CronJob$/);

  test("give the server variables that it knows, and more memory than its songs may take", () => {
    const { container, pod } = server;
    const environment = { ...environmentOfImage(), ...variablesOf(container) };
    const names = Object.fromEntries(container.env.map(({ name }) => [name, "x"]));
    expect(noteIgnoredVariables({ ...environment, ...names })).toEqual([]);
    expect(Object.keys(names).filter((name) => FOLD_VARIABLES.includes(name))).toEqual([]);
    const command = readCommandLine(container.args ?? [], environment);
    if (command.do !== "serve") throw new Error(`the server's container would ${command.do}`);
    const { settings } = command;
    expect([settings.data !== "", settings.store !== ""]).toEqual([set === "data", set === "store"]);
    const times = settings.drainSeconds + settings.shutdownSeconds + 6;
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(times);
    const limit = { "512Mi": 512, "1Gi": 1024 }[container.resources.limits.memory] ?? 0;
    if (set !== "store") expect(settings.maxStoreBytes + 256 * MIB).toBeLessThanOrEqual(limit * MIB);
  });

  test("give the hand-over a command that it knows, one job at a time", () => {
    const { container } = fold;
    const environment = { ...variablesOf(container), PLAYCOUNT_INTO_FILE: "", PLAYCOUNT_INTO: "sqlite:x" };
    expect(noteIgnoredVariables(variablesOf(container))).toEqual([]);
    const command = readCommandLine(container.args ?? [], environment);
    if (command.do !== "fold") throw new Error(`the job's container would ${command.do}`);
    const [service] = manifests.filter(({ kind }) => kind === "Service");
    const { ports } = service?.spec as unknown as { ports: { port: number }[] };
    expect(command.settings.from).toEqual([`http://${service?.metadata.name}:${ports[0]?.port}/`]);
    expect(manifests.find(({ kind }) => kind === "CronJob")?.spec).toMatchObject({
      concurrencyPolicy: "Forbid",
    });
  });

  test("probe paths that the server answers: while it stops it is alive, and not ready", async () => {
    const { startupProbe, readinessProbe, livenessProbe } = server.container;
    const handle = createHandler(new ShardedStore(), { signal: AbortSignal.abort() }); // it stops
    const statuses = [startupProbe, readinessProbe, livenessProbe].map(async (probe) => {
      expect(probe?.httpGet.port).toBe(server.container.ports?.[0]?.name as string);
      return (await handle(new Request(`http://localhost${probe?.httpGet.path}`))).status;
    });
    expect(await Promise.all(statuses)).toEqual([200, 503, 200]);
  });

  test("select the pods of the server, and not those of the hand-over", () => {
    const label = { "app.kubernetes.io/name": "playcount" };
    for (const { kind, spec } of manifests.filter(({ kind }) => kind !== "CronJob")) {
      const { selector } = spec as { selector: { matchLabels?: object } };
      expect(selector.matchLabels ?? selector, kind).toEqual(label);
      const pod = spec.template;
      if (pod !== undefined) expect(pod.metadata.labels).toEqual(label);
    }
    const job = podOf(manifests.find(({ kind }) => kind === "CronJob") as Manifest);
    expect(job?.metadata.labels).not.toEqual(label);
  });

  test("run without root, rights and a writable root", () => {
    for (const { pod, container } of [server, fold]) {
      expect(pod).toMatchObject({
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        securityContext: {
          runAsNonRoot: true,
          runAsUser: 65532,
          seccompProfile: { type: "RuntimeDefault" },
        },
      });
      expect(container).toMatchObject({
        resources: {
          requests: { cpu: expect.stringMatching(/m$/), memory: expect.stringMatching(/Mi$/) },
          limits: { memory: expect.stringMatching(/[MG]i$/) },
        },
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        },
      });
    }
  });

  test("have as many pods as share their counts", () => {
    const kinds = manifests.map(({ kind }) => kind).sort();
    const { spec } = manifests.find(({ kind }) => /^(?:Deployment|StatefulSet)$/.test(kind)) as Manifest;
    const expected = {
      memory: [["CronJob", "Deployment", "Service"], 1],
      data: [["CronJob", "Service", "StatefulSet"], 1],
      store: [["CronJob", "Deployment", "PodDisruptionBudget", "Service"], 3],
    };
    expect([kinds, spec["replicas"]]).toEqual(expected[set]);
    const mounts = server.container.volumeMounts?.map(({ mountPath }) => mountPath) ?? [];
    expect(mounts).toEqual(set === "data" ? [environmentOfImage()["PLAYCOUNT_DATA"] ?? ""] : []);
  });

  const kustomize = findProgram("kustomize");
  test.skipIf(kustomize === undefined)(
    "are put together by kustomize, with the image of the registry",
    () => {
      const { status, output } = runTool([kustomize ?? "", "build", `kubernetes/${set}`]);
      expect(status).toBe(0);
      const built = YAML.parse(output) as Manifest[];
      expect(built.map(({ kind }) => kind).sort()).toEqual(manifests.map(({ kind }) => kind).sort());
      const images = built.flatMap((each) => podOf(each)?.spec.containers.map(({ image }) => image) ?? []);
      expect(new Set(images)).toEqual(new Set(["registry.example.com/playcount:0.1.0"]));
    },
  );
});

test("Every manifest belongs to a set", () => {
  const named = [...SETS, "base"].flatMap((folder) => {
    const { resources } = readYaml<{ resources: string[] }>(`kubernetes/${folder}/kustomization.yaml`);
    const files = resources.filter((path) => path.endsWith(".yaml"));
    return ["kustomization.yaml", ...files].map((path) => `kubernetes/${folder}/${path}`);
  });
  expect(filesIn("kubernetes")).toEqual(named.sort());
});

const validator = findProgram("kubernetes-validate");

test.skipIf(validator === undefined)("The manifests keep the schemas of Kubernetes", () => {
  const files = filesIn("kubernetes").filter((path) => !path.endsWith("kustomization.yaml"));
  for (const version of ["1.30", "1.37"]) {
    const validate = [validator ?? "", "--strict", "--no-warn", "--kubernetes-version", version];
    const { status, text } = runTool([...validate, ...files]);
    expect([status, text]).toEqual([0, expect.not.stringMatching(/ERROR|not allowed/i)]);
  }
});

test("The page names each set, and the version of the package is that of the images", async () => {
  const { version } = (await import("../../package.json")).default;
  for (const set of SETS) {
    expect(readText("README.md")).toMatch(new RegExp(`^\\| \`${set}\``, "m"));
    expect(readText(`kubernetes/${set}/kustomization.yaml`)).toContain(`newTag: ${version} `);
  }
});
