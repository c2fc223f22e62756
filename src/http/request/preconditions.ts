import { Problem } from "../response/problem.ts";

/** Says whether an entity tag names the present state. */
export type TagTest = (opaque: string) => boolean;

/** Whether an `If-None-Match` does not hold, as it lists the present state (RFC 9110 §13.1.2: weak comparison). */
export function noneMatchFails(field: string | null, names: TagTest): boolean {
  if (field === null) return false;
  return field.trim() === "*" || entityTags(field).some((tag) => names(tag.opaque));
}

/** Whether an `If-Match` does not hold, as it lists other states only (RFC 9110 §13.1.1: strong comparison). */
export function matchFails(field: string | null, names: TagTest): boolean {
  if (field === null || field.trim() === "*") return false;
  return !entityTags(field).some((tag) => !tag.weak && names(tag.opaque));
}

const never = () => false;

/**
 * Refuses a condition on something that has no entity tag: it does not hold, whichever it lists.
 *
 * @throws {Problem} 412
 */
export function refuseConditions(headers: Headers): void {
  if (matchFails(headers.get("if-match"), never) || noneMatchFails(headers.get("if-none-match"), never)) {
    throw preconditionFailed();
  }
}

/** 412: nothing was done. */
export function preconditionFailed(): Problem {
  return new Problem(412, "The condition of the request does not hold");
}

/** The tags of a list; members that are none are passed over. */
function entityTags(field: string): { weak: boolean; opaque: string }[] {
  return Array.from(field.matchAll(/(?:^|,)\s*(W\/)?"([^"]*)"(?=\s*(?:,|$))/g), ([, weak, opaque = ""]) => ({
    weak: weak !== undefined,
    opaque,
  }));
}
