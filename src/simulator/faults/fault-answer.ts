/** The answers that scripted faults send instead of the real ones. */
import { type Answer, toAnswer } from '../representation/answer.ts';
import { type Fault, faultOf } from './fault.ts';
import type { FlatHeaders } from '../representation/headers.ts';
import { failed } from '../representation/outcome.ts';

const gatewayPage = '<!DOCTYPE html><html><body>Please sign in to continue.</body></html>';

/** Returns the answer that these faults demand, or undefined. `asked` has the request's headers. */
export function substituteFor(faults: readonly Fault[], asked: FlatHeaders): Answer | undefined {
  if (faultOf(faults, 'html')) {
    return { status: 200, headers: ['Content-Type', 'text/html'], body: Buffer.from(gatewayPage) };
  }
  const ordered = faultOf(faults, 'status');
  if (!ordered) return undefined;
  const { status, headers = [], body, contentType } = ordered;
  const isError = status >= 400;
  const usual = toAnswer(
    isError ? failed(status) : { status, content: { kind: 'none' } },
    '',
    'POST',
    asked,
  );
  if (body === undefined) return { ...usual, headers: [...usual.headers, ...headers] };
  const type = ['Content-Type', contentType ?? 'application/json; charset=utf-8'];
  return { status, headers: [...type, ...headers], body: Buffer.from(body) };
}
