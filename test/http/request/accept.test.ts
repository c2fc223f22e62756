import { describe, expect, test } from "bun:test";
import { preferredRepresentation, preferredProblemFormat } from "../../../src/http/request/accept.ts";
import type { Format } from "../../../src/mapping/write.ts";

type Case = [accept: string | null, format: Format | undefined];

function cases(title: string, list: Case[]): void {
  describe(title, () => {
    test.each(list)("Accept: %j gets %p", (accept, format) =>
      expect(preferredRepresentation(accept)).toBe(format),
    );
  });
}

cases("Whoever does not mind gets text", [
  [null, "text"],
  ["", "text"],
  [" \t ", "text"],
  ["*/*", "text"],
  ["*/*;q=0.1", "text"],
  ["text/*", "text"],
  ["text/plain", "text"],
  ["text/plain, application/json", "text"],
]);

cases("Of equal quality, the format whose range comes first is sent, and text if both have the same range", [
  ["application/json, text/plain", "json"],
  ["application/json;q=0.5, text/plain;q=0.5", "json"],
  ["text/plain;q=0.5, application/json;q=0.5", "text"],
  ["application/json, */*", "json"],
  ["*/*, application/json", "text"],
  ["*/*, application/json, text/plain", "json"],
  ["application/*, text/*", "json"],
  ["image/png, */*", "text"],
  ["text/plain;q=0.4, application/json;q=0.5, text/plain;q=0.5", "json"],
]);

cases("A quoted string may have commas, semicolons, and escaped quotes", [
  ['text/html;x=", application/json, ", text/plain;q=0.5', "text"],
  ['text/html;x="a\\", application/json, ", text/plain;q=0.5', "text"],
  ['application/json;x=";q=0", text/plain;q=0.5', "text"],
  ['text/plain;q=0.5;x=",", application/json', "json"],
  ['application/json, text/html;x=", text/plain', "json"],
  ['text/html;x=", application/json', undefined],
]);

cases("Whoever prefers JSON gets it, unless it is only that of problems", [
  ["application/json", "json"],
  ["application/*", "json"],
  ["application/problem+json, application/json", "json"],
  ["application/problem+json, text/plain;q=0.5", "text"],
  ["application/problem+json", undefined],
  ["text/plain;q=0.5, application/json", "json"],
  ["application/json, text/plain;q=0.999", "json"],
  ["application/json;q=0.001", "json"],
]);

test("A problem is JSON if either of its types is preferred to text", () => {
  for (const accept of [
    "application/problem+json",
    "application/json",
    "application/problem+json, text/plain;q=0.5",
  ]) {
    expect(preferredProblemFormat(accept)).toBe("json");
  }
  expect(preferredProblemFormat("text/plain, application/problem+json;q=0.5")).toBe("text");
});

cases("Clients as they come", [
  // Java's HttpURLConnection, axios, jQuery's getJSON, Firefox, Chrome, Python's httpx, curl.
  ["text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", "text"],
  ["application/json, text/plain, */*", "json"],
  ["application/json, text/javascript, */*; q=0.01", "json"],
  ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text"],
  [
    "text/html,application/xhtml+xml,image/avif,image/webp,*/*;q=0.8,application/signed-exchange;v=b3",
    "text",
  ],
  ["application/json, */*;q=0.5", "json"],
]);

cases("The examples of RFC 9110 §12.5.1", [
  ["audio/*; q=0.2, audio/basic", undefined],
  ["text/plain; q=0.5, text/html, text/x-dvi; q=0.8, text/x-c", "text"],
  ["text/*, text/plain, text/plain;format=flowed, */*", "text"],
  [
    "text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, text/plain;format=fixed;q=0.4, */*;q=0.5",
    "text",
  ],
]);

cases("Of each type the most specific range decides, wherever it stands", [
  ["text/plain;q=0.2, text/*;q=0.9, application/json;q=0.5", "json"],
  ["text/*;q=0.9, text/plain;q=0.2, application/json;q=0.5", "json"],
  ["*/*, application/json;q=0.9", "text"],
  ["*/*;q=0.1, application/json", "json"],
  ["*/*;q=0.9, text/*;q=0.1", "json"],
  ["application/*;q=0.1, */*;q=0.9", "text"],
  ["text/*;q=0.2, application/*;q=0.3", "json"],
  ["text/plain;q=0.2, text/plain;q=0.8, application/json;q=0.5", "text"],
  ["text/plain;q=0.8, text/plain;q=0.2, application/json;q=0.5", "text"],
  ["application/json, application/problem+json;q=0.1, text/plain;q=0.5", "json"],
]);

cases("A format of quality 0 is not sent", [
  ["text/plain;q=0", undefined],
  ["text/plain;q=0, */*", "json"],
  ["*/*, text/plain;q=0.000", "json"],
  ["text/*;q=0, */*", "json"],
  ["application/json;q=0, */*", "text"],
  ["application/*;q=0, */*", "text"],
  ["*/*;q=0", undefined],
  ["*/*;q=0, application/json", "json"],
  ["*/*;q=0, text/*;q=0.1", "text"],
  ["text/plain;q=0, application/json;q=0.0", undefined],
]);

cases("A type that no answer has is not sent", [
  ["text/html", undefined],
  ["image/*, audio/*", undefined],
  ["text/plain;format=flowed", undefined],
  ["application/json;profile=x", undefined],
  ["text/plain;charset=iso-8859-1", undefined],
  ["text/plain;format=flowed, application/json;q=0.1", "json"],
]);

cases("The parameter that our representations have is allowed", [
  ["text/plain;charset=utf-8, application/json;q=0.9", "text"],
  ["text/plain;charset=utf-8;q=0.1, application/json", "json"],
  ['text/plain; Charset="UTF-8"', "text"],
  ["application/json;charset=utf-8", "json"],
  ["application/json; charset=UTF-8; q=0.5, text/plain; q=0.4", "json"],
]);

cases("Case and white space do not matter", [
  ["APPLICATION/JSON", "json"],
  ["Application/Json ; Q=1.0 , Text/Plain ; Q=0.5", "json"],
  ["\tapplication/json\t", "json"],
  ["text/plain ;\tq=0.1,application/json", "json"],
  ["application/json;;q=0.5;, text/plain;q=0.4", "json"],
]);

cases("Qualities are read as they may be written, and a member with a broken one is passed over", [
  ["text/plain;q=1.000, application/json;q=0.999", "text"],
  ["text/plain;q=.5, application/json;q=.6", "json"],
  ["text/plain;q=0., application/json;q=0.1", "json"],
  ["text/plain;q=1., application/json", "text"],
  ["text/plain;q=1.001, application/json;q=0.1", "json"],
  ["text/plain;q=2, application/json;q=0.1", "json"],
  ["text/plain;q=-1, application/json;q=0.1", "json"],
  ["text/plain;q=0.1234, application/json;q=0.1", "json"],
  ["text/plain;q=, application/json;q=0.1", "json"],
  ["text/plain;q=., application/json;q=0.1", "json"],
  ["text/plain;q, application/json;q=0.1", "json"],
  ["text/plain;q=high, application/json;q=0.1", "json"],
  ["text/plain;q=0x1, application/json;q=0.1", "json"],
  ["text/plain;q=1e0, application/json;q=0.1", "json"],
]);

cases("Members that are no media ranges are passed over", [
  ["garbage, application/json", "json"],
  ["*, application/json", "json"],
  ["text, application/json", "json"],
  ["text/, application/json", "json"],
  ["/plain, application/json", "json"],
  ["text/plain/x, application/json", "json"],
  ["text /plain, application/json", "json"],
  ["text/pl ain, application/json", "json"],
  ["*/plain, application/json", "json"],
  ["t\u00e9xt/plain, application/json", "json"],
  ["application/json, ,, ,", "json"],
]);

test("A list whose members are all empty is an empty list (RFC 9110 §5.6.1)", () => {
  expect(preferredRepresentation(",")).toBe("text");
  expect(preferredRepresentation(" , ,\t")).toBe("text");
  expect(preferredRepresentation(",", ["json", "text"])).toBe("json");
});

test("A field of 1024 characters is read completely, and a longer one is ignored", () => {
  const end = ",application/json;q=0.001";
  const many = Array.from({ length: 100 }, (_, n) => `image/x-${n};q=0.${n % 10}`).join(",");
  const field = (length: number) =>
    many
      .slice(0, length - end.length - 1)
      .replace(/,[^,]*$/, "")
      .padEnd(length - end.length) + end;
  expect(field(1024)).toHaveLength(1024);
  expect(preferredRepresentation(field(1024))).toBe("json");
  expect(preferredRepresentation(field(1025))).toBe("text");
  expect(preferredProblemFormat(field(1025))).toBe("text");
});
