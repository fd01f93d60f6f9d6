import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

/** An answer, whole. */
export interface Answer {
  readonly status: number;
  /** The `Content-Type`, or ``. */
  readonly contentType: string;
  /** Where a redirect points, as the server wrote it. */
  readonly location: string | undefined;
  readonly body: string;
}

const maxBodyBytes = 1024 * 1024;

/**
 * Asks for one URL on a connection of its own and follows no redirect.
 *
 * @param signal ends the exchange at any moment
 * @throws what Node reports when no whole answer came; a RangeError for one of over a megabyte
 */
export function httpGet(url: URL, signal: AbortSignal): Promise<Answer> {
  const open = url.protocol === 'https:' ? requestHttps : requestHttp;
  const headers = { accept: 'application/json', 'accept-encoding': 'identity' };
  return new Promise((resolve, reject) => {
    const request = open(url, { agent: false, headers, signal }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size <= maxBodyBytes) return;
        reject(new RangeError(`answer is longer than ${maxBodyBytes} bytes`));
        request.destroy();
      });
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          contentType: response.headers['content-type'] ?? '',
          location: response.headers.location,
          body: Buffer.concat(chunks).toString('utf8'),
        }),
      );
    });
    request.on('error', reject);
    request.end();
  });
}
