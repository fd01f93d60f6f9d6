/**
 * One event channel (pending GET, P-GET) of an application.
 *
 * Events gather in the set of the current `ack`. A poll with the current `ack` gets the whole set as
 * soon as one of its events is due, or an empty set after its `timeout`. A second poll with the same
 * `ack` gets the same set again, together with newer events.
 *
 * A poll with the next `ack` confirms the events of the last answer, and starts the next set. A poll
 * with any other `ack` is told to resync. Only one poll waits at a time. A second poll replaces the
 * first one, unless its `priority` is lower.
 */
import type { ChannelEvent, EventPriority, EventSet } from '../representation/event-set.ts';
import { failed, type Outcome } from '../representation/outcome.ts';
import type { Timers } from './timers.ts';

/** Maximum number of unfetched events. Beyond it, the set is dropped, and the next poll must resync. */
const maxEvents = 256;

/** Bounds and defaults in seconds (UCWA documentation, event channel). */
const bounds = {
  low: { byDefault: 15, min: 5, max: 1800 },
  medium: { byDefault: 5, min: 5, max: 1800 },
  timeout: { byDefault: 180, min: 180, max: 1800 },
} as const;

type Hold = keyof typeof bounds;

/** A poll that waits. `outcome` resolves to its answer. Call `leave` after its client disconnects. */
export interface ParkedPoll {
  readonly outcome: Promise<Outcome>;
  leave(): void;
}

interface Parked {
  readonly priority: number;
  readonly timeoutAt: number;
  end(outcome: Outcome): void;
}

const replaced = failed(409, 'PGetReplaced', 'Another request for these events took over.');

export class EventChannel {
  readonly #timers: Timers;
  readonly #secondMs: number;
  readonly #instanceId: string;
  /** Times in seconds that a poll can change, and that stay in force for later polls. */
  readonly #holds: Record<Hold, number> = {
    low: bounds.low.byDefault,
    medium: bounds.medium.byDefault,
    timeout: bounds.timeout.byDefault,
  };
  #ack = 1;
  #set: Array<{ readonly event: ChannelEvent; readonly at: number }> = [];
  /** Number of events in the last answer with this set; undefined before the first answer. */
  #answered: number | undefined;
  #lost = false;
  #parked: Parked | undefined;
  #cancelTimer: () => void = () => undefined;

  /**
   * @param secondMs duration of one second of this channel, in ms
   * @param instanceId instance (browser tab) of the application, or an empty text
   */
  constructor(timers: Timers, secondMs: number, instanceId: string) {
    this.#timers = timers;
    this.#secondMs = secondMs;
    this.#instanceId = instanceId;
  }

  /** Href of the current set. */
  get href(): string {
    return this.#hrefOf(this.#ack);
  }

  publish(event: ChannelEvent): void {
    if (this.#set.length === maxEvents) {
      this.#set = [];
      this.#answered = undefined;
      this.#lost = true;
    }
    this.#set.push({ event, at: performance.now() });
    if (this.#parked) this.#setTimer(this.#parked);
  }

  /** Returns the answer to a poll with this query, or a parked poll. */
  poll(query: URLSearchParams): Outcome | ParkedPoll {
    const ack = Number(query.get('ack') ?? this.#ack);
    if (this.#lost) return this.#resync(ack);
    if (ack === this.#ack + 1 && this.#answered !== undefined) {
      this.#set.splice(0, this.#answered);
      this.#answered = undefined;
      this.#ack = ack;
    } else if (ack !== this.#ack) {
      return this.#resync(ack);
    }
    for (const hold of Object.keys(this.#holds) as Hold[]) this.#remember(hold, query.get(hold));
    const priority = Number(query.get('priority') ?? 0);
    if (this.#parked && this.#parked.priority > priority) return replaced;
    this.#parked?.end(replaced);
    return this.#msUntilDue() <= 0 ? this.#answer() : this.#park(priority);
  }

  /** Ends the waiting poll, because the application ended. */
  close(): void {
    this.#parked?.end(failed(404, 'ApplicationNotFound'));
  }

  #hrefOf(ack: number): string {
    const instance =
      this.#instanceId === '' ? '' : `&instanceId=${encodeURIComponent(this.#instanceId)}`;
    return `events?ack=${ack}${instance}`;
  }

  #remember(hold: Hold, seconds: string | null): void {
    if (seconds === null || !/^\d+$/.test(seconds)) return;
    const { min, max } = bounds[hold];
    this.#holds[hold] = Math.min(max, Math.max(min, Number(seconds)));
  }

  #resync(ack: number): Outcome {
    this.#lost = false;
    return this.#outcome({
      self: this.#hrefOf(ack),
      follow: { rel: 'resync', href: this.href },
      events: [],
    });
  }

  #outcome(events: EventSet): Outcome {
    return { status: 200, content: { kind: 'events', events } };
  }

  /** Returns an answer with the whole set. */
  #answer(): Outcome {
    this.#answered = this.#set.length;
    return this.#outcome({
      self: this.href,
      follow: { rel: 'next', href: this.#hrefOf(this.#ack + 1) },
      events: this.#set.map(({ event }) => event),
    });
  }

  #holdMs(priority: EventPriority): number {
    return priority === 'high' ? 0 : this.#holds[priority] * this.#secondMs;
  }

  #msUntilDue(): number {
    if (this.#answered) return 0;
    const dueAts = this.#set.map(({ event, at }) => at + this.#holdMs(event.priority ?? 'high'));
    return Math.min(...dueAts) - performance.now();
  }

  #park(priority: number): ParkedPoll {
    let resolve: (outcome: Outcome) => void;
    const outcome = new Promise<Outcome>((settle) => {
      resolve = settle;
    });
    const parked: Parked = {
      priority,
      timeoutAt: performance.now() + this.#holds.timeout * this.#secondMs,
      end: (ending) => {
        if (this.#parked === parked) {
          this.#parked = undefined;
          this.#cancelTimer();
        }
        resolve(ending);
      },
    };
    this.#parked = parked;
    this.#setTimer(parked);
    return { outcome, leave: () => parked.end(replaced) };
  }

  #setTimer(parked: Parked): void {
    this.#cancelTimer();
    const ms = Math.min(parked.timeoutAt - performance.now(), this.#msUntilDue());
    // Events that are published together are in one answer.
    if (ms <= 0) queueMicrotask(() => this.#parked === parked && parked.end(this.#answer()));
    else this.#cancelTimer = this.#timers.after(ms, () => parked.end(this.#answer()));
  }
}
