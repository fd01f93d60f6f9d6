import { performance } from 'node:perf_hooks';

const allowedMs = 200;
const intervalMs = 50;
/** Minimum share of a stall that the process used the CPU; otherwise the system withheld the CPU. */
const ownShare = 0.8;

/**
 * Whether this process caused a stall of its event loop.
 *
 * @param stallMs duration of the stall
 * @param cpuMs CPU time that the process used in the meantime
 */
export function isOwnStall(stallMs: number, cpuMs: number): boolean {
  return stallMs > allowedMs && cpuMs > stallMs * ownShare;
}

/** Calls `onStall` after each time that this process blocked its event loop for more than 200 ms. */
export function watchStalls(
  onStall: (stallMs: number) => void,
  isOwn = isOwnStall,
): { stop(): void } {
  let lastMs = performance.now();
  let cpu = process.cpuUsage();
  const timer = setInterval(() => {
    const nowMs = performance.now();
    const { user, system } = process.cpuUsage(cpu);
    const stallMs = nowMs - lastMs - intervalMs;
    if (isOwn(stallMs, (user + system) / 1000)) onStall(stallMs);
    lastMs = nowMs;
    cpu = process.cpuUsage();
  }, intervalMs);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
