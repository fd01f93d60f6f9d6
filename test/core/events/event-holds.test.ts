import { beforeEach, describe, expect, test } from '@jest/globals';
import { doubtMs, maxHoldMs } from '../../../src/core/events/event-holds.ts';
import { HoldsRig, invitations, names } from './events-rig.ts';

let rig: HoldsRig;
beforeEach(() => {
  rig = new HoldsRig();
});

const first = `${invitations}/i1`;
const elsewhere = '/app/audio/a1';

test('without an operation no answer waits', () => {
  expect(rig.holds.isIdle).toBe(true);
  expect(rig.arrived('a')).toBeUndefined();
  rig.holds.over(rig.begin(['o1']));
  expect(rig.holds.isIdle).toBe(true);
  expect(rig.arrived('a')).toBeUndefined();
  expect(rig.holds.nextAtMs).toBe(Infinity);
});

test('an answer with the operation id waits for the end of the POST', () => {
  const operation = rig.begin(['o1']);
  rig.answer('a', names({ type: 'updated', href: elsewhere, operationId: 'o1' }));
  rig.advance(500);
  rig.holds.answered(operation, undefined);
  expect(rig.released).toEqual([]);
  rig.holds.over(operation);
  expect([rig.released, rig.outcomes]).toEqual([['a'], ['ordered']]);
});

test('an answer with the operation id waits for at most 2 s', () => {
  rig.begin(['o1']);
  rig.answer('a', names({ href: first, operationId: 'o1' }));
  rig.advance(maxHoldMs - 1);
  expect(rig.released).toEqual([]);
  rig.advance(1);
  expect([rig.released, rig.outcomes]).toEqual([['a'], ['expired']]);
});

test('a new resource below that of the POST waits until `Location` is known', () => {
  const [one, two] = [rig.begin(), rig.begin()];
  rig.answer('a', names({ href: first }));
  rig.answer('b', names({ href: `${invitations}/other` }), { chain: 'tab' });
  rig.advance(300);
  rig.holds.answered(one, first);
  rig.holds.answered(two, `${invitations}/i2`);
  expect([rig.released, rig.outcomes]).toEqual([['b'], ['unrelated']]);
  rig.holds.over(one);
  expect([rig.released, rig.outcomes]).toEqual([
    ['b', 'a'],
    ['unrelated', 'ordered'],
  ]);
});

test('a new resource that a Location names waits for no other POST', () => {
  const [one] = [rig.begin(), rig.begin()];
  rig.answer('a', names({ href: first }));
  rig.holds.answered(one, first);
  expect(rig.released).toEqual([]);
  rig.holds.over(one);
  expect([rig.released, rig.outcomes]).toEqual([['a'], ['ordered']]);
});

test('a new resource does not wait for a POST that had not left when the answer came', () => {
  let isSent = false;
  const operation = rig.begin(['o1'], { isSent: () => isSent });
  rig.answer('a', names({ href: first }));
  expect([rig.released, rig.outcomes]).toEqual([['a'], []]);
  isSent = true;
  rig.answer('b', names({ href: first }));
  rig.holds.answered(operation, first);
  rig.holds.over(operation);
  expect([rig.released, rig.outcomes]).toEqual([['a', 'b'], ['ordered']]);
});

test('a new resource elsewhere waits for 50 ms, or longer if `Location` names it', () => {
  const operation = rig.begin();
  rig.answer('a', names({ href: elsewhere }));
  rig.advance(doubtMs - 1);
  expect(rig.released).toEqual([]);
  rig.advance(1);
  expect([rig.released, rig.outcomes]).toEqual([['a'], ['unrelated']]);
  rig.answer('b', names({ href: `${elsewhere}/below` }));
  rig.holds.answered(operation, elsewhere);
  rig.advance(doubtMs);
  expect(rig.released).toEqual(['a']);
  rig.holds.over(operation);
  expect([rig.released, rig.outcomes]).toEqual([
    ['a', 'b'],
    ['unrelated', 'ordered'],
  ]);
});

test('after the answer to the POST only its own events wait for its last byte', () => {
  const operation = rig.begin();
  rig.holds.answered(operation, first);
  rig.answer('a', names({ href: `${invitations}/other` }));
  expect(rig.released).toEqual(['a']);
  rig.answer('b', names({ type: 'updated', href: `${first}/x` }));
  expect(rig.released).toEqual(['a']);
  rig.holds.over(operation);
  expect(rig.released).toEqual(['a', 'b']);
});

describe('an answer does not wait', () => {
  test.each([
    ['if it starts nothing', names({ type: 'added', href: '/app/people/1' })],
    ['if it starts another operation by its id', names({ href: first, operationId: 'o2' })],
    ['if it starts an incoming operation', names({ href: first, direction: 'Incoming' })],
    ['if it is empty', names()],
    ['if it cannot be read', undefined],
  ])('%s', (_, content) => {
    rig.begin(['o1']);
    rig.answer('a', content);
    expect([rig.released, rig.outcomes]).toEqual([['a'], []]);
  });

  test('if it names an operation of another user or application', () => {
    rig.begin(['o1']);
    rig.answer('a', names({ href: first, operationId: 'o1' }), { user: 'other' });
    expect(rig.released).toEqual(['a']);
  });

  test('if the POST came on the same connection, because HTTP orders these answers', () => {
    const connection = {};
    rig.begin(['o1'], { connection });
    rig.answer('a', names({ href: first, operationId: 'o1' }), { connection });
    expect(rig.released).toEqual(['a']);
  });

  test('for an operation without an id, if it starts the operation of another id', () => {
    const [named] = [rig.begin(['o1']), rig.begin()];
    rig.answer('a', names({ href: first, operationId: 'o1' }));
    rig.holds.over(named);
    expect([rig.released, rig.outcomes]).toEqual([['a'], ['ordered']]);
  });

  test('if it starts the resource of an earlier POST', () => {
    const earlier = rig.begin();
    rig.holds.answered(earlier, first);
    rig.holds.over(earlier);
    rig.begin();
    rig.answer('a', names({ href: first }));
    expect(rig.released).toEqual(['a']);
  });
});

test('an id in a body that is not read yet does not make an event foreign', () => {
  const operation = rig.holds.begin({
    channel: 'user',
    connection: {},
    path: invitations,
    ids: ['o1'],
    hasAllIds: false,
    isSent: () => true,
  });
  rig.answer('a', names({ href: first, operationId: 'o2' }));
  rig.advance(300);
  rig.holds.answered(operation, first);
  rig.holds.over(operation);
  expect(rig.outcomes).toEqual(['ordered']);
});

test('an answer waits for all operations that it names', () => {
  const [one, two] = [rig.begin(['o1']), rig.begin(['o2'])];
  rig.answer('a', names({ href: first, operationId: 'o1' }, { href: first, operationId: 'o2' }));
  rig.holds.over(one);
  expect(rig.released).toEqual([]);
  rig.holds.over(two);
  expect([rig.released, rig.outcomes]).toEqual([['a'], ['ordered']]);
});

test('a later answer of a chain does not overtake one that waits, and one of another chain does', () => {
  const operation = rig.begin(['o1']);
  rig.answer('a', names({ href: first, operationId: 'o1' }));
  rig.answer('b', names());
  rig.answer('c', undefined);
  rig.answer('d', names(), { chain: 'tab' });
  expect(rig.released).toEqual(['d']);
  rig.holds.over(operation);
  expect([rig.released, rig.outcomes]).toEqual([
    ['d', 'a', 'b', 'c'],
    ['ordered', 'unrelated', 'unrelated'],
  ]);
});

test('a later answer of a chain does not overtake one that still arrives', () => {
  rig.begin(['o1']);
  const first = rig.arrived('a');
  rig.answer('b', names());
  rig.answer('c', names(), { chain: 'tab' });
  expect(rig.released).toEqual(['c']);
  rig.holds.read(first!, names(), rig.nowMs);
  expect([rig.released, rig.outcomes]).toEqual([['c', 'a', 'b'], ['unrelated']]);
});

test('an answer that still arrives delays its chain for at most 2 s, and not after its poll is over', () => {
  rig.begin(['o1']);
  const left = rig.arrived('a');
  rig.answer('b', names());
  rig.holds.abandon(left!);
  expect(rig.released).toEqual(['b']);
  rig.arrived('c');
  rig.advance(1);
  rig.answer('d', names());
  rig.advance(maxHoldMs - 2);
  expect(rig.released).toEqual(['b']);
  rig.advance(1);
  expect(rig.released).toEqual(['b', 'c', 'd']);
});

test('an answer that still arrives is released with the last operation, and after 2 s', () => {
  const operation = rig.begin(['o1']);
  rig.answer('a', names({ href: first, operationId: 'o1' }));
  rig.arrived('b');
  rig.holds.over(operation);
  expect(rig.released).toEqual(['a', 'b']);
  rig.begin(['o1']);
  rig.arrived('c');
  rig.advance(maxHoldMs);
  expect(rig.released).toEqual(['a', 'b', 'c']);
});

test('an answer whose poll is over is not released, and delays no other', () => {
  rig.begin(['o1']);
  const held = rig.answer('a', names({ href: first, operationId: 'o1' }));
  rig.answer('b', names());
  rig.holds.abandon(held!);
  rig.holds.abandon(held!);
  expect([rig.released, rig.outcomes]).toEqual([['b'], ['abandoned', 'unrelated']]);
});

test('releaseAll() releases all answers in order', () => {
  rig.begin(['o1']);
  rig.answer('a', names({ href: first, operationId: 'o1' }));
  rig.arrived('b');
  rig.answer('c', names());
  rig.holds.releaseAll();
  expect(rig.released).toEqual(['a', 'b', 'c']);
});

test('1,024 resources of answered operations are remembered', () => {
  for (let n = 0; n <= 1024; n += 1) {
    const operation = rig.begin();
    rig.holds.answered(operation, `${invitations}/${n}`);
    rig.holds.over(operation);
  }
  rig.begin();
  rig.answer('a', names({ href: `${invitations}/1` }));
  rig.answer('b', names({ href: `${invitations}/0` }));
  expect(rig.released).toEqual(['a']);
});
