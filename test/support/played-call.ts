/** Makes calls of one application, for tests that run synthetic traffic through the scheduler. */
import { batchKey } from '../../src/core/ucwa/batch-key.ts';
import { readHead } from '../../src/core/admit/request-head.ts';
import type { Arrival } from '../../src/core/schedule/state.ts';

export const application = '/ucwa/v1/applications/1';

/** A resource of the application. The method is GET unless `isWrite` is set. */
export interface Wish {
  readonly path: string;
  readonly isWrite?: boolean;
  /** The application of the device. */
  readonly application?: string;
  readonly cookie?: string;
  readonly urgency?: number | undefined;
}

export type Done = (ok: boolean, waitedMs: number) => void;

export interface Client {
  readonly done: Done;
  readonly askedAtMs: number;
}

export function arrivalOf(
  user: string,
  { path, isWrite = false, application: base = application, cookie, urgency }: Wish,
): Omit<Arrival<Client>, 'caller'> {
  const target = `${base}/${path}`;
  const headers = ['Authorization', user, ...(cookie === undefined ? [] : ['Cookie', cookie])];
  return {
    key: batchKey(base, readHead(headers), 'pool', []),
    callClass: isWrite ? 'unsafe' : 'safe',
    resource: target.split('?')[0]?.toLowerCase() ?? '',
    collapsible: false,
    urgency,
    method: isWrite ? 'POST' : 'GET',
    target,
    headers: [],
    body: Buffer.alloc(0),
    sizeBytes: 200,
  };
}
