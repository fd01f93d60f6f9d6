/** Node takes the `Date` of an answer from the real clock. The network writes the virtual date in its place. */
import type { VirtualTime } from '../time/virtual-time.ts';
import type { Line } from './line.ts';

const name = Buffer.from('\r\nDate: ');
const dateLength = 29;

/** A line whose answers have the virtual date. */
export function withVirtualDate(line: Line, time: VirtualTime): Line {
  const send = line.send.bind(line);
  line.send = (bytes, taken) => {
    for (let at = bytes.indexOf(name); at !== -1; at = bytes.indexOf(name, at + 1)) {
      const from = at + name.length;
      if (from + dateLength > bytes.length) break;
      bytes.write(new Date(time.dateMs).toUTCString(), from, 'latin1');
    }
    send(bytes, taken);
  };
  return line;
}
