import { performance } from 'node:perf_hooks';

const allowedMs = 200;
const lookEveryMs = 50;
/** A stall of ours is one in which we worked; a process that is not given the processor waits. */
const workedShare = 0.8;

/** Whether a stall of so long is our doing; `workedMs`: of the processor, meanwhile. */
export function isOwnStall(stallMs: number, workedMs: number): boolean {
  return stallMs > allowedMs && workedMs > stallMs * workedShare;
}

/** Says when this process blocked its own event loop for more than 200 ms, and for how long. */
export function watchStalls(
  stood: (stallMs: number) => void,
  isOwn = isOwnStall,
): { stop(): void } {
  let lastMs = performance.now();
  let cpu = process.cpuUsage();
  const timer = setInterval(() => {
    const nowMs = performance.now();
    const { user, system } = process.cpuUsage(cpu);
    const stallMs = nowMs - lastMs - lookEveryMs;
    if (isOwn(stallMs, (user + system) / 1000)) stood(stallMs);
    lastMs = nowMs;
    cpu = process.cpuUsage();
  }, lookEveryMs);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
