import type { BrowserChannel, BrowserNavigator } from "./dom.ts";

declare const BroadcastChannel: new (name: string) => BrowserChannel;
declare const navigator: Pick<BrowserNavigator, "locks">;

/** Tabs with live songs of the same feed. */
export interface Tabs {
  /** True if this tab asks the server for the songs of all. */
  readonly isLeader: boolean;
  /** Songs of the other tabs. */
  readonly others: readonly string[];
  /** Tells the other tabs the songs of this one. */
  tell(songs: readonly string[]): void;
  /** Sends counts to the other tabs, if this one is the leader. */
  send(counts: Record<string, number>): void;
  leave(): void;
}

export type JoinTabs = (
  name: string,
  on: {
    hear: (counts: Record<string, number>) => void;
    /** This tab became the leader, or the songs of another tab changed, or are to be told again. */
    change: () => void;
  },
) => Tabs;

/** A message between tabs. One without any field asks the tabs for their songs. */
interface Message {
  counts?: Record<string, number>;
  tab?: number;
  songs?: readonly string[];
}

/**
 * Joins the tabs of this browser that use `name`. The one that has a lock is the leader.
 *
 * The lock of a tab that leaves, or crashes, passes to the next one, which asks the others for their songs.
 * Pages without TLS have no locks: there each tab leads itself.
 *
 * `GET /play-count.js` sends the source text of this function, so it uses nothing of its module except types.
 */
export const joinTabs: JoinTabs = function (name, { hear, change }) {
  const tab = Math.random();
  const others = new Map<number, readonly string[]>();
  const channel = new BroadcastChannel(name);
  const leaving = new AbortController();
  const { signal } = leaving;
  let isLeader = false;

  function lead(): Promise<unknown> | undefined {
    if (signal.aborted) return undefined;
    isLeader = true;
    channel.postMessage({});
    change();
    return new Promise((resolve) => signal.addEventListener("abort", resolve));
  }

  channel.addEventListener("message", ({ data }) => {
    if (navigator.locks === undefined) return;
    const { counts, tab, songs } = data as Message;
    if (counts !== undefined) return hear(counts);
    if (tab === undefined || songs === undefined) return change();
    if (JSON.stringify(others.get(tab)) === JSON.stringify(songs)) return;
    others.set(tab, songs);
    if (isLeader) change();
  });
  if (navigator.locks === undefined) setTimeout(lead);
  else navigator.locks.request(name, { signal }, lead).catch(() => {});
  return {
    get isLeader() {
      return isLeader;
    },
    get others() {
      return [...others.values()].flat();
    },
    tell: (songs) => channel.postMessage({ tab, songs }),
    send: (counts) => isLeader && channel.postMessage({ counts }),
    leave() {
      channel.postMessage({ tab, songs: [] });
      channel.close();
      leaving.abort();
    },
  };
};
