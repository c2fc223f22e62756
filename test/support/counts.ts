/** Parses a listing as text: `a=1,b=2`. */
export function readCounts(text: string): Map<string, number> {
  if (text === "") return new Map();
  return new Map(
    text.split(",").map((pair) => {
      const [id = "", count] = pair.split("=");
      return [decodeURIComponent(id), Number(count)];
    }),
  );
}
