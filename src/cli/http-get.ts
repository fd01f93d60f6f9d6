import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

/** A complete response. */
export interface Answer {
  readonly status: number;
  /** Value of `Content-Type`, or an empty text. */
  readonly contentType: string;
  /** Value of `Location`, unchanged. */
  readonly location: string | undefined;
  readonly body: string;
}

const maxBodyBytes = 1024 * 1024;

/**
 * Sends a GET request on a new connection. Redirects are not followed.
 *
 * @param signal aborts the request
 * @throws the error of Node if the response is incomplete, or a RangeError if its body exceeds 1 MiB
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
