import { describe, expect, test } from '@jest/globals';
import {
  askEach,
  type Answered,
  type NonceCall,
  readCalls,
  sendings,
  writeCalls,
} from '../support/nonce-calls.ts';
import { startPool } from '../support/pool.ts';
import { startProxy } from '../support/proxy.ts';
import { UcwaClient } from '../support/ucwa-client.ts';
import type { FaultRule } from '../../src/simulator/faults/fault-script.ts';
import type { Simulator } from '../../src/simulator/simulator.ts';
import type { FailureCase, Seen } from './failure-seen.ts';
import { failures } from './failure-table.ts';

const batchesOfThree = {
  UCWA_PROXY_BATCHING_MODE: 'fixed',
  UCWA_PROXY_BATCHING_LINGER_MAX_MS: '1000',
  UCWA_PROXY_BATCHING_MAX_PARTS: '3',
};

type CallsOf = (count: number, tag?: string) => NonceCall[];

/**
 * Sends three calls in a batch that meets the failure. Returns what callers, the pool and the
 * metrics saw.
 */
async function bringAbout(failure: FailureCase, callsOf: CallsOf) {
  const pool = await startPool();
  const proxy = await startProxy(pool.url, { ...batchesOfThree, ...failure.env });
  const client = new UcwaClient(proxy.url);
  if (failure.warm === true) await askEach(client, callsOf(3, 'before'));
  const rule = failure.rule ?? { on: { kind: 'batch' } };
  if (failure.fault === undefined) await pool.stop();
  else pool.faults.add({ ...rule, fault: failure.fault });
  const answered = await askEach(client, callsOf(3));
  return { pool, proxy, answered };
}

function expectAnswer(seen: Seen, fault: FaultRule['fault'] | undefined, one: Answered): void {
  const { answer, nonce } = one;
  const { status, text, headers } = answer;
  switch (seen.answer) {
    case 'own':
      expect(headers['x-nonce']).toBe(nonce);
      return;
    case 'pool': {
      if (fault === undefined || !('kind' in fault) || fault.kind !== 'status') {
        throw new Error('nothing was said');
      }
      expect([status, text]).toEqual([fault.status, fault.body]);
      const said = fault.headers ?? [];
      for (let i = 0; i < said.length; i += 2) {
        const at = answer.rawHeaders.indexOf(said[i + 1] ?? '');
        expect(answer.rawHeaders[at - 1]).toBe(said[i]);
      }
      return;
    }
    case '503 no':
    case '504 unknown': {
      const { executed } = JSON.parse(text) as { executed: string };
      expect(`${status} ${executed}`).toBe(seen.answer);
      expect(headers['content-type']).toBe('application/problem+json');
      expect(headers['cache-control']).toBe('no-store');
      expect(headers['proxy-status']).toMatch(/^ucwa-batch-proxy; error=[a-z_]+$/);
      expect(headers['retry-after']).toBe(status === 503 ? '1' : undefined);
    }
  }
}

/** Checks which requests (by number of parts) carried the call to the pool, and how often it ran. */
function expectTravel(seen: Seen, failure: FailureCase, pool: Simulator, one: Answered): void {
  const came = sendings(pool, one.nonce);
  const parts = came.map((sending) => sending.parts);
  const ran = pool.ledger.executions(one.nonce);
  const { fault, waitsMs = 0 } = failure;
  switch (seen.again) {
    case 'never':
      expect(parts).toEqual(fault === undefined ? [] : [3]);
      break;
    case 'singly':
      expect(parts).toEqual([3, 1]);
      break;
    case 'smaller':
      expect(parts.slice(0, 1)).toEqual([3]);
      expect(parts.at(-1)).toBeLessThan(3);
      break;
    case 'refused':
      expect(parts.slice(0, 1)).toEqual([3]);
      break;
  }
  const again = seen.answer === 'own' ? 1 : 0;
  expect(ran).toHaveLength((failure.ran === true ? 1 : 0) + again);
  if (seen.answer === 'own') expect(ran.at(-1)?.status).toBe(one.answer.status);
  const [first, next] = came;
  if (first !== undefined && next !== undefined) {
    expect(next.at - first.at).toBeGreaterThanOrEqual(waitsMs);
  }
}

/** A call that the fault does not affect gets its answer from the batch, and is not sent again. */
function expectSpared(pool: Simulator, one: Answered): void {
  expect(one.answer.headers['x-nonce']).toBe(one.nonce);
  expect(sendings(pool, one.nonce).map(({ parts }) => parts)).toEqual([3]);
  const ran = pool.ledger.executions(one.nonce);
  expect(ran.map(({ status }) => status)).toEqual([one.answer.status]);
}

async function expectSeen(failure: FailureCase, seen: Seen, callsOf: CallsOf): Promise<void> {
  const { pool, proxy, answered } = await bringAbout(failure, callsOf);
  answered.forEach((one, position) => {
    if (failure.hit?.includes(position) === false) {
      expectSpared(pool, one);
      return;
    }
    expectAnswer(seen, failure.fault, one);
    expectTravel(seen, failure, pool, one);
  });
  if (failure.counted === undefined) return;
  const metrics = await proxy.metrics();
  expect(metrics.get(`ucwa_proxy_protocol_errors_total{kind="${failure.counted}"}`)).toBe(1);
}

describe.each(failures)('when $when', ({ cases, read, write }) => {
  test.each(cases.map((failure) => [failure.name, failure] as const))(
    'a GET gets the result in the table: %s',
    async (_name, failure) => {
      await expectSeen(failure, read, readCalls);
    },
  );

  test.each(cases.map((failure) => [failure.name, failure] as const))(
    'a POST, PUT or DELETE gets the result in the table: %s',
    async (_name, failure) => {
      await expectSeen(failure, write, writeCalls);
    },
  );
});
