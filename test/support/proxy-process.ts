/** The proxy in its own process, so that tests can measure its memory and end it. */
import { readMetrics, type MetricValues } from './metric-values.ts';
import type { Program, Started, Surroundings } from './program.ts';

export interface ProxyProcess extends Started {
  readonly pid: number;
  readonly port: number;
  readonly url: string;
  readonly adminPort: number;
  metrics(): Promise<MetricValues>;
  /** Resident memory of the process, garbage included. */
  residentBytes(): Promise<number>;
  /** Heap in use after garbage collection. */
  liveHeapBytes(): Promise<number>;
}

/** Collects garbage on SIGUSR2, so that only reachable memory remains. */
const collector = `data:text/javascript,process.on('SIGUSR2',()=>{gc();gc();})`;

export async function startProxyProcess(
  program: Program,
  poolUrl: string,
  { env = {}, nodeFlags = [] }: Surroundings = {},
): Promise<ProxyProcess> {
  const started = await program.start(
    /"listen":"127\.0\.0\.1:(\d+)","admin":"127\.0\.0\.1:(\d+)"/,
    ['serve', '--upstream', poolUrl, '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0'],
    { env, nodeFlags: ['--expose-gc', '--import', collector, ...nodeFlags] },
  );
  const [port, adminPort] = started.match.slice(1).map(Number) as [number, number];
  const metrics = (): Promise<MetricValues> => readMetrics(adminPort);
  const metric = async (name: string): Promise<number> => (await metrics()).get(name) ?? NaN;
  return {
    ...started,
    pid: started.child.pid ?? NaN,
    port,
    adminPort,
    url: `http://127.0.0.1:${port}`,
    metrics,
    residentBytes: () => metric('process_resident_memory_bytes'),
    async liveHeapBytes() {
      started.child.kill('SIGUSR2');
      await metrics();
      return metric('nodejs_heap_size_used_bytes');
    },
  };
}
