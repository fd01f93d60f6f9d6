import { expect, test } from '@jest/globals';
import { operationIdsInXml, operationIdsOf } from '../../../src/core/ucwa/operation-ids.ts';

const target = '/ucwa/oauth/v1/applications/1/communication/messagingInvitations';

test.each([
  ['JSON', target, '{"importance":"Normal", "operationId" : "a-1"}', ['a-1']],
  ['JSON with escapes', target, String.raw`{"operationId":"a\/\"\u00e9"}`, ['a/"é']],
  ['a JSON number', target, '{"operationId":17}', ['17']],
  ['an operation context', target, '{"operationContext":"c"}', ['c']],
  ['an XML element', target, '<input><operationId>a&amp;b</operationId></input>', ['a&b']],
  ['an XML property', target, '<property name="operationId">a&#233;&#x21;</property>', ['aé!']],
  ['a form', target, 'operationId=a%20b&x=1', ['a b']],
  ['the query', `${target}?x=1&operationContext=a+b`, '', ['a b']],
  ['a broken query', `${target}?OperationId=%zz`, '', ['%zz']],
  ['both', `${target}?operationId=1`, '{"operationId":"2"}', ['1', '2']],
  ['an empty id', target, '{"operationId":""}', []],
  ['the name inside of a text', target, String.raw`{"text":"\"operationId\":\"x\""}`, []],
  ['another body', target, 'hello', []],
])('the ids of a POST are found in %s', (_, sent, body, ids) => {
  expect(operationIdsOf(sent, body)).toEqual(ids);
});

test('a POST has at most 16 ids, and an id has at most 512 characters', () => {
  const many = Array.from({ length: 100 }, (_, i) => `"operationId":"${i}"`).join();
  expect(operationIdsOf(target, `{${many}}`)).toHaveLength(16);
  expect(operationIdsOf(target, `{"operationId":"${'x'.repeat(513)}"}`)).toEqual([]);
});

test.each([
  'operationId',
  '"operationId":"',
  '"operationId":    ',
  '<operationId',
  '&operationId=',
])('a body that repeats %j is searched in little time', (piece) => {
  const startedAt = performance.now();
  operationIdsOf(target, piece.repeat(65_536 / piece.length));
  operationIdsInXml(piece.repeat(262_144 / piece.length));
  expect(performance.now() - startedAt).toBeLessThan(1000);
});
