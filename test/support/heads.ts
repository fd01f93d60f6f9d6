import { readHead, type HeadFacts, type RequestHead } from '../../src/core/admit/request-head.ts';

export const bearer = 'Bearer cwt=AAEBHAEFAAAAAAAFFQAAAL';

/** A request head as Node reports it. `fields` follow `Host`. */
export function aHead(
  method: string,
  target: string,
  fields: readonly string[] = ['Authorization', bearer, 'Accept', 'application/json'],
): { head: RequestHead; facts: HeadFacts } {
  const headers = ['Host', 'pool.example', ...fields];
  return { head: { method, target, httpVersion: '1.1', headers }, facts: readHead(headers) };
}
