/** Minimum size of the key of the hashes of users, in bytes. A shorter key could be guessed. */
const minKeyBytes = 16;

/** The key of the file that `log.userHashKeyFile` names, or a problem in one line. */
export interface UserHashKey {
  readonly key?: Buffer;
  readonly problems: readonly string[];
}

/** Reads the key of the hashes of users, without spaces and line feeds at its ends. */
export function readUserHashKey(
  file: string | undefined,
  readFile: (path: string) => string,
): UserHashKey {
  return readKey('log.userHashKeyFile', file, readFile);
}

/** Reads a secret of at least 16 bytes, and names the setting in a problem with it. */
export function readKey(
  setting: string,
  file: string | undefined,
  readFile: (path: string) => string,
): UserHashKey {
  if (file === undefined) return { problems: [] };
  const problem = (reason: string): UserHashKey => ({
    problems: [`${setting}: cannot be used: ${reason}`],
  });
  try {
    const key = Buffer.from(readFile(file).trim());
    return key.length >= minKeyBytes
      ? { key, problems: [] }
      : problem(`expected at least ${minKeyBytes} bytes, found ${key.length}`);
  } catch (error) {
    return problem(error instanceof Error ? error.message : String(error));
  }
}
