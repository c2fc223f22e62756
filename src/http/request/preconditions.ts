import { Problem } from "../response/problem.ts";
import { replyEmpty } from "../response/reply.ts";
import { MAX_FIELD_LENGTH } from "./list.ts";

/** `If-Match` and `If-None-Match` of a request, at least one of them. */
export interface Conditions {
  match: string | null;
  noneMatch: string | null;
}

/** Returns true if an entity tag names the current state. */
export type TagTest = (opaque: string) => boolean;

/** The current state of a resource: a test of its entity tags; without tags, true if the resource exists. */
type State = TagTest | boolean;

/**
 * Reads the conditions of a request; `undefined` without one.
 *
 * @throws {Problem} 400 for a list of more than 1024 characters.
 */
export function conditionsOf(headers: Headers): Conditions | undefined {
  const match = headers.get("if-match");
  const noneMatch = headers.get("if-none-match");
  if (match === null && noneMatch === null) return undefined;
  if ((match?.length ?? 0) > MAX_FIELD_LENGTH || (noneMatch?.length ?? 0) > MAX_FIELD_LENGTH)
    throw new Problem(400, `If-Match and If-None-Match may have ${MAX_FIELD_LENGTH} characters`);
  return { match, noneMatch };
}

/**
 * Returns true if an `If-None-Match` fails, because it lists the current state or is `*` for a resource that
 * exists (RFC 9110 §13.1.2: weak comparison).
 */
export function noneMatchFails(field: string | null, current: State): boolean {
  if (field === null) return false;
  return isAny(field) ? current !== false : listsTag(field, testOf(current));
}

/**
 * Returns true if an `If-Match` fails, because it only lists other states or is `*` for a resource that does
 * not exist (RFC 9110 §13.1.1: strong comparison).
 */
export function matchFails(field: string | null, current: State): boolean {
  if (field === null) return false;
  if (isAny(field)) return current === false;
  const names = testOf(current);
  return !entityTags(field).some((tag) => !tag.weak && names(tag.opaque));
}

/** Returns true if a field lists the current state, by a weak comparison. */
export function listsTag(field: string, names: TagTest): boolean {
  return entityTags(field).some((tag) => names(tag.opaque));
}

/**
 * Refuses a request with a condition that fails on a resource without entity tags.
 *
 * @throws {Problem} 412
 */
export function checkConditions(conditions: Conditions | undefined, exists: boolean): void {
  if (conditions === undefined) return;
  const { match, noneMatch } = conditions;
  if (matchFails(match, exists) || noneMatchFails(noneMatch, exists)) throw preconditionFailed();
}

/**
 * Evaluates the conditions of a `GET` or `HEAD` that would otherwise have this answer. It is made first,
 * because a condition never hides an error (RFC 9110 §13.2.1).
 *
 * @returns 304 if `If-None-Match` fails, otherwise the answer.
 * @throws {Problem} 412 if `If-Match` fails.
 */
export function answerConditionally({ match, noneMatch }: Conditions, answer: Response): Response {
  const tag = answer.headers.get("etag");
  const isCurrent: TagTest = (opaque) => `"${opaque}"` === tag;
  const isRefused = matchFails(match, isCurrent);
  if (!isRefused && !noneMatchFails(noneMatch, isCurrent)) return answer;
  answer.body?.cancel().catch(() => {});
  if (isRefused) throw preconditionFailed();
  return notModified(answer.headers);
}

/** Makes a 304 with those headers of the full answer that a cache needs (RFC 9110 §15.4.5). */
export function notModified(full: Headers): Response {
  const needed = ["cache-control", "etag", "fold", "vary"];
  return replyEmpty(304, Object.fromEntries(Array.from(full).filter(([name]) => needed.includes(name))));
}

/** Makes the 412 of a condition that fails. */
export function preconditionFailed(): Problem {
  return new Problem(412, "The condition in If-Match or If-None-Match is false");
}

function testOf(current: State): TagTest {
  return typeof current === "function" ? current : () => false;
}

function isAny(field: string): boolean {
  return field.trim() === "*";
}

/**
 * Returns the tags of a list. Other members are ignored. A tag has no escapes, unlike the quoted strings of
 * other lists (RFC 9110 §8.8.3).
 */
function entityTags(field: string): { weak: boolean; opaque: string }[] {
  return Array.from(field.matchAll(/(?:^|,)\s*(W\/)?"([^"]*)"(?=\s*(?:,|$))/g), ([, weak, opaque = ""]) => ({
    weak: weak !== undefined,
    opaque,
  }));
}
