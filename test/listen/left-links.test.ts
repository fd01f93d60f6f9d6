import { expect, test } from '@jest/globals';
import { LeftLinks } from '../../src/listen/left-links.ts';

test('each name is logged once, up to a limit, and each link is counted', () => {
  const logged: Array<string | undefined> = [];
  let count = 0;
  const left = new LeftLinks(
    {
      linkRewritten: () => undefined,
      linkLeft: () => (count += 1),
      linksUnchanged: () => undefined,
    },
    (_, { name }) => logged.push(name),
  );
  for (let n = 0; n < 500; n += 1) left.left('location', `${n % 250}.example`);
  left.left('location', undefined);
  expect(count).toBe(501);
  expect(logged).toEqual(Array.from({ length: 100 }, (_, n) => `${n}.example`));
});
