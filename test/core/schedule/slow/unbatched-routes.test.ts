import { expect, test } from '@jest/globals';
import { LeftRoutes } from '../../../../src/core/schedule/slow/unbatched-routes.ts';
import { aKey, app, Recorder } from '../../../support/recording-sink.ts';

const hourMs = 3_600_000;

test('a route that left is tried again after an hour, and stays away for twice as long after a relapse', () => {
  const routes = new LeftRoutes();
  expect(routes.leave('/me', 'differs', 0).untilMs).toBe(hourMs);
  expect(routes.isUnbatched('/me', hourMs - 1)).toBe(true);
  expect(routes.takeReturned(hourMs - 1)).toEqual([]);
  expect(routes.isUnbatched('/me', hourMs)).toBe(false);
  expect(routes.takeReturned(hourMs).map(({ route }) => route)).toEqual(['/me']);
  expect(routes.takeReturned(hourMs)).toEqual([]);
  expect(routes.leave('/me', 'slower', hourMs).untilMs).toBe(3 * hourMs);
  expect(routes.current(2 * hourMs)).toMatchObject([{ route: '/me', reason: 'slower' }]);
});

test('a route that is away does not leave again', () => {
  const routes = new LeftRoutes();
  const first = routes.leave('/me', 'differs', 0);
  expect(routes.leave('/me', 'errors', 10)).toBe(first);
});

test('at most 256 routes are remembered', () => {
  const routes = new LeftRoutes();
  for (let i = 0; i < 1000; i += 1) routes.leave(`/${i}`, 'differs', 0);
  expect(routes.current(1)).toHaveLength(256);
});

test('calls of a route that left are sent one by one, and others share batches', () => {
  const routes = new LeftRoutes();
  const recorder = new Recorder({ unbatchedRoutes: routes });
  routes.leave('/me', 'differs', 0);
  const submit = (name: string, path: string) =>
    recorder.submit(name, 0, aKey('ann'), { target: app + path });
  submit('a', '/me');
  submit('b', '/people');
  submit('c', '/me?view=2');
  submit('d', '/policies');
  recorder.turn(0);
  recorder.core.wake(100);
  const sent = recorder.grant(100).map((batch) => batch.split(' (')[0]);
  expect(sent.sort()).toEqual(['a', 'b d', 'c']);
});

test('a call that travels by itself shares no batch, and teaches nothing about companions', () => {
  const recorder = new Recorder();
  recorder.submit('a', 0, aKey('ann'), { isAlone: true });
  recorder.submit('b', 0, aKey('ann'), { isAlone: true });
  expect(recorder.grant(0).map((batch) => batch.split(' (')[0])).toEqual(['a', 'b']);
});
