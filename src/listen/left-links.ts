/** Reports links that lead clients away from the proxy. */
import type { UnchangedReason } from '../core/links/link-rewriting.ts';
import type { LinkKind } from '../core/ucwa/links.ts';
import type { ListenObserver } from './observer.ts';

/** Receives the reports, for metrics. */
export type LinkObserver = Pick<ListenObserver, 'linkRewritten' | 'linkLeft' | 'linksUnchanged'>;

/** Logs a warning. */
export type Warn = (message: string, facts: Readonly<Record<string, string>>) => void;

/** Limit for the names that are remembered as logged. Later names are only counted. */
const maxNames = 100;

export class LeftLinks {
  readonly #observer: LinkObserver;
  readonly #warn: Warn;
  readonly #logged = new Set<string>();

  constructor(observer: LinkObserver, warn: Warn) {
    this.#observer = observer;
    this.#warn = warn;
  }

  /** Counts the link, and logs its name if it is new. */
  left(kind: LinkKind, authority: string | undefined): void {
    this.#observer.linkLeft(kind);
    if (authority === undefined) return;
    this.#warnOnce(authority, () =>
      this.#warn(
        'clients leave the proxy by a link of the pool: if the name is one of a pool, add it to pools[].hosts',
        { name: authority, kind },
      ),
    );
  }

  /** Counts an answer that stays as it is, and logs the reason once. */
  unchanged(reason: UnchangedReason): void {
    this.#observer.linksUnchanged(reason);
    this.#warnOnce(reason, () =>
      this.#warn('clients may leave the proxy: the links of an answer stay as they are', {
        reason,
      }),
    );
  }

  #warnOnce(name: string, warn: () => void): void {
    if (this.#logged.has(name) || this.#logged.size >= maxNames) return;
    this.#logged.add(name);
    warn();
  }
}
