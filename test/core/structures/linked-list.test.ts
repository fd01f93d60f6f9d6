import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { LinkedList, type ListNode } from '../../../src/core/structures/linked-list.ts';

interface Node extends ListNode<Node> {
  readonly number: number;
}

const node = (number: number): Node => ({ number, earlier: undefined, later: undefined });

test('holds the nodes that were added and not removed, in order, and nothing of removed nodes', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 30 })), (numbers) => {
      const list = new LinkedList<Node>();
      const nodes = new Map<number, Node>();
      const removed: Node[] = [];
      // A number that occurs again is removed.
      for (const number of numbers) {
        const known = nodes.get(number);
        if (known === undefined) {
          const added = node(number);
          nodes.set(number, added);
          list.add(added);
          for (const one of nodes.values()) list.add(one);
        } else {
          nodes.delete(number);
          list.remove(known);
          list.remove(known);
          removed.push(known);
        }
      }
      expect(removed).toEqual(removed.map(({ number }) => node(number)));
      const expected = [...nodes.keys()];
      expect([...list].map((one) => one.number)).toEqual(expected);
      expect([list.size, list.first?.number]).toEqual([expected.length, expected[0]]);
    }),
  );
});

test('can be emptied during an iteration', () => {
  const list = new LinkedList<Node>();
  for (let number = 0; number < 5; number += 1) list.add(node(number));
  const seen: number[] = [];
  for (const one of list) {
    seen.push(one.number);
    list.remove(one);
  }
  expect(seen).toEqual([0, 1, 2, 3, 4]);
  expect(list.size).toBe(0);
});

test('a node is inserted in front of the last nodes that come after it', () => {
  const list = new LinkedList<Node>();
  const order = (): number[] => Array.from(list, ({ number }) => number);
  for (const number of [5, 7, 6, 1, 7, 9]) {
    const added = node(number);
    list.insert(added, (other) => other.number > number);
    // A second time changes nothing.
    list.insert(added, () => true);
  }
  expect(order()).toEqual([1, 5, 6, 7, 7, 9]);
  expect(list.size).toBe(6);
  list.remove(list.first!);
  expect(order()).toEqual([5, 6, 7, 7, 9]);
});
