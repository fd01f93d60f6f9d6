import { expect, test } from '@jest/globals';
import { RequestHeadCache } from '../../src/core/admit/request-head-cache.ts';
import type { BatchKey } from '../../src/core/ucwa/batch-key.ts';
import type { Batch } from '../../src/core/schedule/state.ts';
import type { Caller } from '../../src/engine/caller.ts';
import { Guard } from '../../src/engine/guard.ts';
import { onePool } from '../support/one-pool.ts';

const guard = new Guard({ maxParts: 10 }, { internalError: () => undefined });
const head = new RequestHeadCache((credentials) => credentials, onePool()).read(
  ['Authorization', 'Bearer ann'],
  undefined,
);

/** Calls of one client with the same headers, under these keys. */
const batchOf = (...keys: readonly BatchKey[]): Batch<Caller> => {
  const calls = keys.map((key) => ({
    key,
    headers: head.headers,
    method: 'GET',
    target: `${key.applicationPath}/me`,
  }));
  return { calls } as unknown as Batch<Caller>;
};

const [own, otherApplication, otherAddress] = [
  head.keyOf('/ucwa/oauth/v1/applications/1', []),
  head.keyOf('/ucwa/oauth/v1/applications/2', []),
  head.keyOf('/ucwa/oauth/v1/applications/1', ['X-Forwarded-For', '192.0.2.1']),
];

test('calls of one client share a batch if their application and forwarding headers are equal', () => {
  expect(() => guard.checkRequest(batchOf(own, own, own))).not.toThrow();
  expect(() => guard.checkRequest(batchOf(own, { ...own }))).not.toThrow();
  for (const other of [otherApplication, otherAddress]) {
    expect(() => guard.checkRequest(batchOf(own, own, other))).toThrow(
      'calls of two keys in one batch',
    );
    expect(() => guard.checkRequest(batchOf(other, own))).toThrow('calls of two keys in one batch');
  }
});
