/**
 * Decides which of several ready streams of a user is sent next. An operation goes before all others. Then the devices
 * of the user take turns. Each device has an application of its own, so the application stands for the device. Among
 * the streams of the devices in turn, `placeOf` decides.
 *
 * The turns are deficit round robin (Shreedhar and Varghese, 1995). Each round gives each device one call more. A batch
 * uses as many as it has parts, also more than its device has left. The device then waits until further rounds have
 * made up for that.
 */
import type { DeviceShares, Stream, User } from '../state.ts';
import { placeOf } from '../order/urgency.ts';

/** The number of devices of a user that have shares. With more of them, all begin again with equal shares. */
const maxDevices = 256;

/** Returns the stream that is sent next. `ready` is not empty. */
export function nextInTurn<T>(user: User<T>, ready: ReadonlyArray<Stream<T>>): Stream<T> {
  const operations = ready.filter(({ callClass }) => callClass === 'operation');
  if (operations.length > 0) return first(operations);
  const [{ key }] = ready as readonly [Stream<T>, ...Array<Stream<T>>];
  const isOneDevice = ready.every((stream) => deviceOf(stream) === key.applicationPath);
  if (!isOneDevice) user.shares ??= new RoundRobin<T>();
  const inTurn = user.shares?.inTurn(ready) ?? ready;
  if (isOneDevice && user.shares?.isEven === true) user.shares = undefined;
  return first(inTurn);
}

class RoundRobin<T> implements DeviceShares<T> {
  /** Calls that a device may send in this round. Negative if its last batch was larger than that. */
  readonly #left = new Map<string, number>();

  /** Whether no device has sent more than its share, apart from the one that may send now. */
  get isEven(): boolean {
    return this.#left.size <= 1;
  }

  /** Returns the streams of the devices that may send in this round. If there is none, the next rounds begin. */
  inTurn(ready: ReadonlyArray<Stream<T>>): ReadonlyArray<Stream<T>> {
    const most = Math.max(...ready.map((stream) => this.#leftOf(stream)));
    if (most < 1) this.#begin(1 - most, new Set(ready.map(deviceOf)));
    return ready.filter((stream) => this.#leftOf(stream) >= 1);
  }

  /** A request with these parts was sent. */
  sent(stream: Stream<T>, parts: number): void {
    if (this.#left.size >= maxDevices) this.#left.clear();
    this.#left.set(deviceOf(stream), this.#leftOf(stream) - parts);
  }

  /** Begins a number of rounds at once. A device without ready calls saves nothing up. */
  #begin(rounds: number, devices: ReadonlySet<string>): void {
    for (const [device, left] of this.#left) {
      if (devices.has(device)) continue;
      if (left + rounds >= 0) this.#left.delete(device);
      else this.#left.set(device, left + rounds);
    }
    for (const device of devices) this.#left.set(device, (this.#left.get(device) ?? 0) + rounds);
  }

  #leftOf(stream: Stream<T>): number {
    return this.#left.get(deviceOf(stream)) ?? 0;
  }
}

function deviceOf<T>({ key }: Stream<T>): string {
  return key.applicationPath;
}

/** Returns the stream with the first place. */
function first<T>(streams: ReadonlyArray<Stream<T>>): Stream<T> {
  let firstMs = Infinity;
  let found = streams[0] as Stream<T>;
  for (const stream of streams) {
    const placeMs = placeOf(stream);
    if (placeMs >= firstMs) continue;
    firstMs = placeMs;
    found = stream;
  }
  return found;
}
