/**
 * Watches the settings file by its identity, size and times, which the program reads a few times a second. This finds
 * any change on any file system: a write, a file that an editor renames into place, and the swapped links of a
 * ConfigMap. Notifications of the system can miss the last two, and do not come from all file systems.
 */
import { type BigIntStats, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';

/** Interval between two looks, in ms. A change is used after one to two of them. */
const lookEveryMs = 250;

export class FileWatch {
  readonly #path: string;
  /** The file when it was last read. */
  #read: string;
  #last: string;
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;

  /** Remembers the file as it is now. To be called before the file is read. */
  constructor(path: string) {
    this.#path = path;
    this.#read = statusOf(path);
    this.#last = this.#read;
  }

  /** @param changed called when the file has changed, and has then stayed the same for one interval */
  start(changed: () => void, everyMs = lookEveryMs): void {
    this.#timer = setInterval(() => void this.#look(changed), everyMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async #look(changed: () => void): Promise<void> {
    // Looks at a volume that does not answer must not pile up.
    if (this.#isLooking) return;
    this.#isLooking = true;
    const seen = await stat(this.#path, { bigint: true }).then(signatureOf, codeOf);
    this.#isLooking = false;
    if (this.#timer === undefined) return;
    const isStable = seen === this.#last;
    this.#last = seen;
    if (!isStable || seen === this.#read) return;
    this.#read = seen;
    changed();
  }
}

function statusOf(path: string): string {
  try {
    return signatureOf(statSync(path, { bigint: true }));
  } catch (error) {
    return codeOf(error);
  }
}

function signatureOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}

/** Stands for a file that cannot be found. */
function codeOf(error: unknown): string {
  return String((error as NodeJS.ErrnoException).code);
}
