import { Problem } from "./problem.ts";

/**
 * Whether `current`, an entity tag, is in the list of an `If-None-Match` (RFC 9110 §13.1.2: weak comparison).
 */
export function noneMatchFails(field: string | null, current: string): boolean {
  if (field === null) return false;
  return field.trim() === "*" || entityTags(field).some((tag) => tag.opaque === current);
}

/**
 * Whether an `If-Match` no longer holds (RFC 9110 §13.1.1: strong comparison).
 *
 * `holds` says whether one of the tags it lists names the present state.
 */
export function matchFails(field: string | null, holds: (opaque: string) => boolean): boolean {
  if (field === null || field.trim() === "*") return false;
  return !entityTags(field).some((tag) => !tag.weak && holds(tag.opaque));
}

/** 412: nothing was done, as the condition of the request no longer holds. */
export function preconditionFailed(): Problem {
  return new Problem(412, "The counts have changed since");
}

/** The tags of a list; members that are none are passed over. */
function entityTags(field: string): { weak: boolean; opaque: string }[] {
  return Array.from(field.matchAll(/(?:^|,)\s*(W\/)?"([^"]*)"(?=\s*(?:,|$))/g), ([, weak, opaque = ""]) => ({
    weak: weak !== undefined,
    opaque,
  }));
}
