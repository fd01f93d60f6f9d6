/** Header fields and compression of the web server in front of UCWA. */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Answer } from '../representation/answer.ts';
import { type FlatHeaders, headerValue, headerValues } from '../representation/headers.ts';

const compress = promisify(gzip);

const usual: readonly string[] = [
  ...['Cache-Control', 'no-cache'],
  ...['Pragma', 'no-cache'],
  ...['Expires', '-1'],
  ...['Server', 'Microsoft-IIS/8.0'],
  ...['X-AspNet-Version', '4.0.30319'],
  // The value is the name of the server.
  ...['X-MS-Server-Fqdn', ''],
  ...['X-Powered-By', 'ASP.NET'],
];

const echoed = ['client-request-id', 'X-MS-Correlation-Id'];

/**
 * Returns the answer's own fields, the usual fields that are missing, and the caller's correlation ids.
 *
 * @param fqdn name of the server
 */
export function serverHeaders(own: FlatHeaders, asked: FlatHeaders, fqdn: string): string[] {
  const all = [...own];
  const mayBeCached = headerValue(own, 'expires') !== undefined;
  for (let i = 0; i < usual.length; i += 2) {
    const [name = '', value = ''] = usual.slice(i, i + 2);
    if (name === 'Pragma' && mayBeCached) continue;
    if (headerValue(own, name.toLowerCase()) !== undefined) continue;
    all.push(name, name === 'X-MS-Server-Fqdn' ? fqdn : value);
  }
  for (const name of echoed) {
    const value = headerValue(asked, name.toLowerCase());
    if (value !== undefined) all.push(name, value);
  }
  return all;
}

export const gzipFields: readonly string[] = [
  ...['Content-Encoding', 'gzip'],
  ...['Vary', 'Accept-Encoding'],
];

/** Whether the caller accepts gzip. */
export function offersGzip(asked: FlatHeaders): boolean {
  return headerValues(asked, 'accept-encoding')
    .flatMap((line) => line.toLowerCase().split(','))
    .some((coding) => /^\s*(gzip|\*)\s*(;\s*q=(1|0?\.\d*[1-9]).*)?$/.test(coding));
}

/** Returns the compressed answer, if IIS compresses its content type. */
export async function gzipped(answer: Answer): Promise<Answer> {
  const type = headerValue(answer.headers, 'content-type') ?? '';
  const isCoded = headerValue(answer.headers, 'content-encoding') !== undefined;
  if (isCoded || answer.body.length === 0 || !/json|xml|html|multipart/i.test(type)) return answer;
  return {
    ...answer,
    headers: [...answer.headers, ...gzipFields],
    body: await compress(answer.body),
  };
}
