import { Problem } from "../response/problem.ts";

/** Returns true if an entity tag names the current state. */
export type TagTest = (opaque: string) => boolean;

/**
 * Returns true if an `If-None-Match` fails because it lists the current state (RFC 9110 §13.1.2: weak
 * comparison).
 */
export function noneMatchFails(field: string | null, names: TagTest): boolean {
  if (field === null) return false;
  return field.trim() === "*" || entityTags(field).some((tag) => names(tag.opaque));
}

/**
 * Returns true if an `If-Match` fails because it only lists other states (RFC 9110 §13.1.1: strong
 * comparison).
 */
export function matchFails(field: string | null, names: TagTest): boolean {
  if (field === null || field.trim() === "*") return false;
  return !entityTags(field).some((tag) => !tag.weak && names(tag.opaque));
}

const never = () => false;

/**
 * Refuses a condition on a resource without entity tags: it fails with any tag.
 *
 * @throws {Problem} 412
 */
export function refuseConditions(headers: Headers): void {
  if (matchFails(headers.get("if-match"), never) || noneMatchFails(headers.get("if-none-match"), never)) {
    throw preconditionFailed();
  }
}

/** Makes the 412 of a condition that fails. */
export function preconditionFailed(): Problem {
  return new Problem(412, "The condition in If-Match or If-None-Match is false");
}

/** Returns the tags of a list. Other members are ignored. */
function entityTags(field: string): { weak: boolean; opaque: string }[] {
  return Array.from(field.matchAll(/(?:^|,)\s*(W\/)?"([^"]*)"(?=\s*(?:,|$))/g), ([, weak, opaque = ""]) => ({
    weak: weak !== undefined,
    opaque,
  }));
}
