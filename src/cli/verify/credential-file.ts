import { readHead } from '../../core/admit/request-head.ts';
import { signsInConnection } from '../../core/ucwa/credential-scheme.ts';
import type { Credential } from './pool-session.ts';

export type ReadCredential =
  | { readonly credential: Credential; readonly problem?: undefined }
  | { readonly credential?: undefined; readonly problem: string };

const expected =
  'expected one line: a token, or a field Authorization or X-MS-WebTicket of a request';

/**
 * Reads the credential of one user from a file: a bearer token, or one header field. No problem quotes the file,
 * because every part of it may be secret.
 */
export function readCredential(file: string, readFile: (path: string) => string): ReadCredential {
  let text: string;
  try {
    text = readFile(file).trim();
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    return { problem: `--token-file: cannot be read: ${code}` };
  }
  const field = /^(Authorization|X-MS-WebTicket):[ \t]*([\x21-\x7e][\x20-\x7e]*)$/i.exec(text);
  const isToken = /^[\x21-\x7e]+$/.test(text) && !/^(?:Authorization|X-MS-WebTicket):/i.test(text);
  if (field === null && !isToken) return { problem: `--token-file: ${expected}` };
  const [, name = 'Authorization', value = `Bearer ${text}`] = field ?? [];
  const credential: Credential = [name, value];
  const { authorization, webTicket } = readHead(['Host', 'pool', ...credential]);
  if ((authorization ?? webTicket) === undefined || signsInConnection(credential)) {
    return { problem: '--token-file: expected a credential that does not sign in a connection' };
  }
  return { credential };
}
