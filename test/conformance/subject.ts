import { expect } from "bun:test";

/** A running playcount under test. */
export interface Subject {
  /** Beginning of `navigator.userAgent` of its runtime. */
  runtime: string;
  /** Origin of its URLs, without a slash at the end. */
  origin: string;
  /** Path of the list of all songs. */
  root: string;
  /** Sends a request for a path, and asserts that the expected runtime answered. */
  fetch: (path: string, init?: RequestInit) => Promise<Response>;
}

/** One statement about the behaviour of every subject. Begins with nothing counted. */
export type Case = (subject: Subject) => Promise<void>;

/** Cases by their statements. */
export type Cases = Readonly<Record<string, Case>>;

/** Response header in which the servers under test name their runtime. */
export const RUNTIME_HEADER = "x-runtime";

/** Makes a subject of a function that answers requests. */
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

/** Asserts the status of an answer, and its body if one is given. Returns the answer. */
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
