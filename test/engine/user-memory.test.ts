import { expect, test } from '@jest/globals';
import { createUserMemory } from '../../src/engine/user-memory.ts';
import { newUser } from '../../src/core/schedule/queue/users.ts';

test('the memory keeps as many idle users as the setting says, the last ones', () => {
  const memory = createUserMemory({ maxUsers: 3, idleMs: 60_000 });
  const { learned } = newUser('ann', undefined, 0);
  for (let i = 0; i < 1000; i += 1) memory.keep(`user ${i}`, learned);
  expect(memory.size).toBe(3);
  expect(memory.take('user 996')).toBeUndefined();
  expect(memory.take('user 999')).toBe(learned);
});
