import { expect, test } from '@jest/globals';
import { startPool } from '../../support/pool.ts';
import { batchRequest, get, statusesIn } from './batch-text.ts';
import { send } from '../http-client.ts';

const base = '/ucwa/oauth/v1/applications/104';

test.each([
  [false, [200, 200]],
  [true, [200, 403]],
])(
  'with strictPartHosts %s a part for another host is answered so',
  async (strictPartHosts, statuses) => {
    const pool = await startPool({ strictPartHosts });
    const parts = [get(`${base}/me`), get(`${base}/me`, 'other.test')];
    const answer = await send(`${pool.url}${base}/batch`, batchRequest('ann', parts));
    expect(statusesIn(answer)).toEqual(statuses);
  },
);
