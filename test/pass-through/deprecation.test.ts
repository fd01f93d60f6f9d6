import { expect, test } from '@jest/globals';
import util from 'node:util';

test('the deprecated util._extend is never called, and is not replaced (DEP0060)', async () => {
  const original: unknown = Reflect.get(util, '_extend');
  let calls = 0;
  const counting = (...args: [object, object]): object => {
    calls++;
    return Object.assign(...args);
  };
  Reflect.set(util, '_extend', counting);
  try {
    const { ask, Rig } = await import('./rig.ts');
    const rig = new Rig();
    const pool = await rig.cannedPool('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    const { port } = await rig.front(pool.port);
    const answer = await ask(port, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    await rig.close();
    expect(answer).toContain('200 OK');
    expect(calls).toBe(0);
    expect(Reflect.get(util, '_extend')).toBe(counting);
  } finally {
    Reflect.set(util, '_extend', original);
  }
});
