import { expect } from "bun:test";

/** A running playcount that the cases are put to. */
export interface Subject {
  /** What `navigator.userAgent` begins with where it runs. */
  runtime: string;
  /** Where it is, without a slash at the end. */
  origin: string;
  /** The path of all its songs. */
  root: string;
  /** Asks it for a path, and asserts that the expected runtime answered. */
  fetch: (path: string, init?: RequestInit) => Promise<Response>;
}

/** One statement about the behaviour of every subject; begins with nothing counted. */
export type Case = (subject: Subject) => Promise<void>;

/** Cases by what they state. */
export type Cases = Readonly<Record<string, Case>>;

/** The header in which the servers under test name their runtime. */
export const RUNTIME_HEADER = "x-runtime";

/** Makes a subject of whatever answers requests. */
export function subjectOf(
  runtime: string,
  origin: string,
  root: string,
  answer: (url: string, init?: RequestInit) => Promise<Response>,
): Subject {
  return {
    runtime,
    origin,
    root,
    async fetch(path, init) {
      const response = await answer(origin + path, init);
      expect(response.headers.get(RUNTIME_HEADER)).toStartWith(runtime);
      return response;
    },
  };
}

/** Asserts status and body of an answer, and gives it on for more. */
export async function expectAnswer(
  answer: Promise<Response>,
  status: number,
  body?: string,
): Promise<Response> {
  const response = await answer;
  const text = await response.text();
  expect({ status: response.status, body: body === undefined ? undefined : text }).toEqual({ status, body });
  return response;
}

/** Asserts that nothing at all is counted. */
export async function expectNothingCounted(subject: Subject): Promise<void> {
  await expectAnswer(subject.fetch(subject.root), 200, "");
}

export const json = { accept: "application/json" } as const;
