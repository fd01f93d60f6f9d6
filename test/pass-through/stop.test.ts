import { expect, test } from '@jest/globals';
import { RawClient, Rig, until } from './rig.ts';

test('stop() answers waiting calls, truncates running answers, and closes all connections', async () => {
  const rig = new Rig();
  const port = await rig.httpPool((request, response) => {
    if (request.url === '/stream') response.write('x');
  });
  const front = await rig.front(port, { maxConnections: 2 });
  const clients = ['/stream', '/silent', '/queued', '/events'].map((target) =>
    new RawClient(front.port).send(
      `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    ),
  );
  await clients[0]?.has('x');
  await until(() => front.told.length === 4 && front.passThrough.openConnections() === 3);
  await front.passThrough.stop();
  expect(front.passThrough.openConnections()).toBe(0);
  const answers = await Promise.all(clients.map((client) => client.all()));
  expect(answers.map((answer) => answer.slice(9, 12))).toEqual(['200', '504', '503', '504']);
  expect(answers[0]).toMatch(/\r\n1\r\nx\r\n$/);
  expect(front.told.map((entry) => entry.outcomes.length)).toEqual([1, 1, 1, 1]);
  await rig.close();
});
