/** A real browser that signs in by the XFrame pages of the pool, and stays on the proxy. */
import { describe, expect } from '@jest/globals';
import { onlyWith } from '../../support/real-parts.ts';
import { poolHosts, ways } from '../ways.ts';
import { servePage } from './chromium.ts';
import { type PageReport, pageScript } from './xframe-page.ts';

const testWithBrowser = onlyWith('chromium');

describe.each(ways)('$name', ({ start }) => {
  testWithBrowser(
    'a page of an allowed origin signs in, reads, batches and hears events',
    async () => {
      let discovery = '';
      const opened = await servePage(() => pageScript(discovery));
      const reached = await start({ origins: [opened.origin] });
      discovery = reached.discovery;
      const { pool, proxy, resolve } = reached;
      const ports = [...poolHosts].flatMap((host) => {
        const port = resolve(host);
        return port === undefined ? [] : [[host, port] as const];
      });
      const report = (await opened.report(Object.fromEntries(ports))) as PageReport;
      expect(report.error).toBeUndefined();
      expect(report.statuses).toEqual({
        ...{ root: 200, challenge: 401, token: 200, user: 200, application: 201 },
        ...{ available: 204, batch: 200, events: 200 },
      });
      expect(report.reads).toEqual([200, 200, 200, 200, 200, 200]);
      expect(report.batch.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2);
      expect(report.events).toContain('me');
      const requests = pool.ledger.requests();
      const fieldOf = ({ rawHeaders }: (typeof requests)[number], name: string) =>
        rawHeaders[rawHeaders.findIndex((one) => one.toLowerCase() === name) + 1];
      // The proxy writes `Via`. A request without it came from the browser.
      const isFromProxy = requests.map((one) =>
        String(fieldOf(one, 'via')).includes('ucwa-batch-proxy'),
      );
      expect(new Set(isFromProxy)).toEqual(new Set([proxy !== undefined]));
      const calls = requests.filter(({ target }) => target.includes('/applications/'));
      expect(new Set(calls.map((one) => fieldOf(one, 'x-ms-origin')))).toEqual(
        new Set([opened.origin]),
      );
      // The page makes one batch itself.
      expect(pool.stats().batches > 1).toBe(proxy !== undefined);
    },
    60_000,
  );
});
