/** A proxy that is attacked over HTTP/2. */
import { constants } from 'node:http2';
import { expect } from '@jest/globals';
import { Http2Client } from './http2-client.ts';
import { startProxy, type TestProxy } from './proxy.ts';
import { startScriptedPool } from './scripted-pool.ts';

export const h2c = { UCWA_PROXY_LISTEN_H2C: 'true', UCWA_PROXY_UPSTREAM_TIMEOUT_MS: '2000' };
export const refused = (reason: string): string => `ucwa_proxy_refused_total{reason="${reason}"}`;
export const connections = 'ucwa_proxy_connections{side="client"}';
export const calm = constants.NGHTTP2_ENHANCE_YOUR_CALM;

/** A proxy before a pool that answers nothing. */
export async function startAttacked(
  env: Readonly<Record<string, string>> = {},
): Promise<TestProxy> {
  const pool = await startScriptedPool(() => undefined);
  return startProxy(pool.url, { ...h2c, ...env });
}

export async function expectServes(proxy: TestProxy): Promise<void> {
  const answer = await new Http2Client(proxy.url).ask('/a#b');
  expect(answer.status).toBe(400);
}
