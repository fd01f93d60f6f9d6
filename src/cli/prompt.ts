import { createInterface } from 'node:readline';

/** Asks questions on a terminal. */
export interface Prompt {
  /** Resolves to the answer, without its end of line; rejects if the input ends. */
  ask(question: string): Promise<string>;
  close(): void;
}

/** Opens a prompt on the given streams. Lines that come before their question count as its answer. */
export function openPrompt(input: NodeJS.ReadableStream, output: NodeJS.WritableStream): Prompt {
  const terminal = createInterface({ input, output });
  const early: string[] = [];
  let isClosed = false;
  let answer: ((line: string) => void) | undefined;
  let fail: ((error: Error) => void) | undefined;
  const ended = (): Error => new Error('no further answer, so nothing is written');
  terminal.on('line', (line) => {
    if (answer === undefined) early.push(line);
    else answer(line);
    answer = undefined;
  });
  terminal.once('close', () => {
    isClosed = true;
    fail?.(ended());
  });
  return {
    ask(question) {
      const line = early.shift();
      if (line === undefined && isClosed) return Promise.reject(ended());
      if (line !== undefined) {
        output.write(`${question}${line}\n`);
        return Promise.resolve(line);
      }
      return new Promise((resolve, reject) => {
        [answer, fail] = [resolve, reject];
        terminal.setPrompt(question);
        terminal.prompt();
      });
    },
    close: () => terminal.close(),
  };
}
