/** What a client must be allowed to do: read, count plays one by one, or do everything else. */
export type Scope = "read" | "play" | "manage";
