import { get } from 'node:http';

/**
 * Metric values by series. A series is written as in the Prometheus text format:
 * `ucwa_proxy_calls_total{via="batch",code="200"}`.
 */
export type MetricValues = ReadonlyMap<string, number>;

export async function readMetrics(adminPort: number): Promise<MetricValues> {
  const values = new Map<string, number>();
  for (const line of (await readAdmin(adminPort, '/metrics')).body.split('\n')) {
    const end = line.lastIndexOf(' ');
    if (end > 0 && !line.startsWith('#')) values.set(line.slice(0, end), Number(line.slice(end)));
  }
  return values;
}

export function readAdmin(
  adminPort: number,
  path: string,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port: adminPort, path, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => (body += text));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      response.on('error', reject);
    }).on('error', reject);
  });
}
