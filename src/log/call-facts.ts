/** The facts of an access line that say how the proxy handled the call. */
import type { CallDetails } from '../listen/observer.ts';
import type { Handling } from '../core/schedule/answers/handling.ts';

export type Facts = Readonly<Record<string, string | number | boolean>>;

/** Times are in ms. A wait of 0, and a fact that does not apply, is left out. */
export function detailFacts({ id, passed, handling, server, reason }: CallDetails): Facts {
  return {
    id,
    ...(passed === undefined ? {} : { passed }),
    ...(handling === undefined ? {} : handlingFacts(handling)),
    ...(server === undefined ? {} : { server }),
    ...(reason === undefined ? {} : { reason }),
  };
}

function handlingFacts(handling: Handling): Facts {
  const { waits, retry, refusals, isCollapsed, lateMs } = handling;
  return {
    batch: handling.batchId,
    parts: handling.parts,
    position: handling.position,
    flush: handling.flushReason,
    attempts: handling.attempts,
    ...(retry === undefined ? {} : { retry }),
    ...(refusals === 0 ? {} : { refusals }),
    ...(isCollapsed ? { collapsed: true } : {}),
    hold: rounded(waits.hold ?? 0),
    ...wait('order', waits.order),
    ...wait('pause', waits.pause),
    ...wait('limit', waits.limit),
    ...wait('slots', waits.slots),
    ...wait('late', lateMs),
  };
}

function wait(name: string, ms: number): Facts {
  const shown = rounded(ms);
  return shown === 0 ? {} : { [name]: shown };
}

function rounded(ms: number): number {
  return Math.round(ms * 10) / 10;
}
