import type { Reply } from '../../src/core/messages/reply.ts';
import { Coalescer } from '../../src/core/schedule/coalescer.ts';
import type {
  Arrival,
  Batch,
  Call,
  LearnedState,
  User,
  UserMemory,
} from '../../src/core/schedule/state.ts';
import type { SchedulerEvents } from '../../src/core/schedule/observer.ts';
import type { Policy } from '../../src/core/schedule/policy.ts';
import type { Sink } from '../../src/core/schedule/sink.ts';
import { batchKey, type BatchKey } from '../../src/core/ucwa/batch-key.ts';
import { readHead } from '../../src/core/admit/request-head.ts';
import type { Failure } from '../../src/core/messages/fault.ts';

export const policy: Policy = {
  mode: 'fixed',
  lingerMaxMs: 10,
  exchangeRateMs: 50,
  collapse: true,
  maxUsers: 10,
  maxParts: 5,
  maxBytes: 1000,
  timeoutMs: 1000,
  maxQueuedCalls: 100,
  maxQueuedCallsPerUser: 50,
  maxQueuedBytes: 100_000,
  maxQueuedBytesPerUser: 50_000,
};

export const app = '/ucwa/oauth/v1/applications/1';

export function aKey(credential: string, applicationPath = app, cookie?: string): BatchKey {
  const headers = [
    'Authorization',
    credential,
    ...(cookie === undefined ? [] : ['Cookie', cookie]),
  ];
  return batchKey(applicationPath, readHead(headers), 'pool', []);
}

export const aReply = (text: string): Reply => ({
  status: 200,
  reason: '',
  headers: [],
  body: Buffer.from(text),
});

/** Records everything that the coalescer reports. Tests grant send permits by hand. */
export class Recorder implements Sink<string> {
  readonly core: Coalescer<string>;
  readonly permits: Array<{ user: User<string>; unbatched: boolean }> = [];
  readonly batches: Array<Batch<string>> = [];
  readonly abandoned: Array<Batch<string>> = [];
  /** Batches that released their send permits before they ended. */
  readonly freed: Array<Batch<string>> = [];
  /** `ticket: answer`, in order. */
  readonly endings: string[] = [];
  alarmAtMs = Infinity;
  /** Events that the core reported, in order. */
  readonly noted: string[] = [];
  readonly events: SchedulerEvents = {
    requeued: (reason, calls) => void this.noted.push(`requeued ${calls} (${reason})`),
    split: (depth, sizes) => void this.noted.push(`split ${depth}: ${sizes.join(' ')}`),
    learnedLimit: (limit) => void this.noted.push(`limit ${limit}`),
    retried: (reason, outcome) => void this.noted.push(`repeat ${reason} ${outcome}`),
    lateBatch: () => void this.noted.push('late batch'),
  };
  readonly remembered = new Map<string, LearnedState>();
  readonly memory: UserMemory = {
    size: 0,
    take: (name) => this.remembered.get(name),
    keep: (name, learned) => void this.remembered.set(name, learned),
  };

  readonly #policy: Policy;

  constructor(changes: Partial<Policy> = {}) {
    this.#policy = { ...policy, ...changes };
    this.core = new Coalescer(this.#policy, this, this.memory, () => 0.5);
  }

  /** Changes the policy between two events. */
  change(changes: Partial<Policy>, nowMs: number): void {
    Object.assign(this.#policy, changes);
    this.core.policyChanged(nowMs);
  }

  /** Submits a GET by default. The ticket is the name of the call, and by default also its path. */
  submit(
    ticket: string,
    nowMs: number,
    key: BatchKey = aKey('ann'),
    changes: Partial<Arrival<string>> = {},
  ): Call<string> {
    const target = changes.target ?? `${key.applicationPath}/${ticket}`;
    const callClass = changes.callClass ?? 'safe';
    const call = this.core.submit(
      {
        key,
        callClass,
        resource: target.split('?')[0]?.toLowerCase() ?? '',
        collapsible: callClass === 'safe',
        method: callClass === 'safe' ? 'GET' : 'POST',
        target,
        headers: [],
        body: Buffer.alloc(0),
        sizeBytes: 100,
        caller: ticket,
        ...changes,
      },
      nowMs,
    );
    if (typeof call === 'string') throw new Error(call);
    return call;
  }

  /** The end of a turn of the event loop. */
  turn(nowMs: number): void {
    this.core.wake(nowMs);
  }

  /** Grants each permit that the core asked for, and returns the batches sent. */
  grant(nowMs: number): string[] {
    const before = this.batches.length;
    for (let permit = this.permits.shift(); permit; permit = this.permits.shift()) {
      this.core.dispatch(permit.user, permit.unbatched, nowMs);
    }
    return this.batches.slice(before).map(names);
  }

  requestPermit(user: User<string>, unbatched: boolean): void {
    this.permits.push({ user, unbatched });
  }

  send(batch: Batch<string>): void {
    this.batches.push(batch);
  }

  answer(call: Call<string>, reply: Reply): void {
    this.endings.push(`${call.caller}: ${reply.body.toString()}`);
  }

  fail(call: Call<string>, failure: Failure): void {
    this.endings.push(`${call.caller}: ${typeof failure === 'string' ? failure : failure.name}`);
  }

  freeSlot(batch: Batch<string>): void {
    this.freed.push(batch);
  }

  abandon(batch: Batch<string>): void {
    this.abandoned.push(batch);
  }

  wakeAt(atMs: number): void {
    this.alarmAtMs = Math.min(this.alarmAtMs, atMs);
  }
}

export function names(batch: Batch<string>): string {
  return `${batch.calls.map((call) => call.caller).join(' ')} (${batch.flushReason})`;
}
