import { expect, test } from '@jest/globals';
import { guardWrites } from '../../src/core/connection-guard.ts';
import { ConnectionLabel, shared } from '../../src/core/connection-label.ts';

test('a write without a request is reported, and closes the connection instead', () => {
  const events: unknown[] = [];
  const socket = {
    write(text: string, encoding: string) {
      events.push(text, encoding);
      return true;
    },
    destroy: () => events.push('destroyed'),
  };
  const label = new ConnectionLabel(shared);
  guardWrites(socket, label, {
    internalError: (error) => events.push((error as { code?: unknown }).code),
  });
  label.lend({ client: undefined, signsIn: false, isBound: false });
  expect(socket.write('a request', 'latin1')).toBe(true);
  label.giveBack();
  expect(socket.write('more', 'latin1')).toBe(false);
  expect(events).toEqual(['a request', 'latin1', 'own_connection', 'destroyed']);
});
