/**
 * Follows the proxy through its own source files. A copy of the program is compiled in which each function
 * reports its file when it is entered. The copy then serves real requests.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { onCleanup } from './cleanup.ts';
import { compiled } from './program.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const printer = ts.createPrinter();

/** Timers enter these files at regular intervals. They have no part in any request, and are not recorded. */
const clockworks = [
  'src/metrics/stalls.ts',
  'src/listen/stopped-bodies.ts',
  'src/listen/unfinished-heads.ts',
];

/**
 * Runs first in the instrumented process. `begin` starts a recording. `{ quietMs }` sends the recording when no function
 * has been entered for that time. A recording that goes on until the process exits is written to a file.
 */
const recorder = (ignored: readonly number[]): string => `
import { writeFileSync } from 'node:fs';
let entries;
const ignored = ${JSON.stringify(ignored)};
globalThis.enter = (file) => {
  if (!ignored.includes(file)) entries?.push(file);
};
process.on('message', (message) => {
  if (message === 'begin') {
    entries = [];
    process.send('begun');
  }
  if (!(message.quietMs > 0)) return;
  let seen = -1;
  const look = () => {
    if (entries.length === seen) {
      process.send(entries);
      entries = undefined;
      return;
    }
    seen = entries.length;
    setTimeout(look, message.quietMs);
  };
  look();
});
process.on('exit', () => {
  if (entries !== undefined) writeFileSync(new URL('exit.json', import.meta.url), JSON.stringify(entries));
});
process.channel.unref();
`;

/** The files that were entered, in order: one entry for each call of a function. */
export class Walk {
  readonly entries: readonly string[];

  constructor(entries: readonly string[]) {
    this.entries = entries;
  }

  /** Each file once, in the order in which it was entered first. */
  get files(): string[] {
    return [...new Set(this.entries)];
  }

  /** How often a function was entered that is in another file than the function entered before. */
  get changes(): number {
    return this.entries.filter((file, index) => index > 0 && file !== this.entries[index - 1])
      .length;
  }
}

export class WalkingProxy {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #program: WalkingProgram;

  private constructor(port: number, child: ChildProcess, program: WalkingProgram) {
    this.port = port;
    this.#child = child;
    this.#program = program;
  }

  /** `env`: settings by their environment names. */
  static async start(
    program: WalkingProgram,
    poolUrl: string,
    env: Readonly<Record<string, string>> = {},
  ): Promise<WalkingProxy> {
    const addresses = ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0'];
    const child = fork(program.main, ['serve', '--upstream', poolUrl, ...addresses], {
      cwd: program.folder,
      env: { PATH: process.env['PATH'], ...env },
      execArgv: ['--import', program.recorder],
      silent: true,
    });
    onCleanup(() => void child.kill('SIGKILL'));
    let said = '';
    let match: RegExpExecArray | null = null;
    while (match === null) {
      said += String(
        await Promise.race([once(child.stdout ?? child, 'data'), once(child, 'exit')]),
      );
      if (child.exitCode !== null) throw new Error(`the proxy ended: ${said}`);
      match = /"listen":"127\.0\.0\.1:(\d+)"/.exec(said);
    }
    return new WalkingProxy(Number(match[1]), child, program);
  }

  /** Records what the proxy runs from now until it has been quiet for `quietMs` after `act`. */
  async record(act: () => Promise<unknown>, quietMs = 20): Promise<Walk> {
    await this.#tell('begin');
    await act();
    return this.#walk((await this.#tell({ quietMs })) as number[]);
  }

  /** Records from a signal to the end of the process. */
  async recordExit(signal: NodeJS.Signals): Promise<Walk> {
    await this.#tell('begin');
    const ended = once(this.#child, 'exit');
    this.#child.kill(signal);
    await ended;
    return this.#walk(JSON.parse(readFileSync(this.#program.exitFile, 'utf8')) as number[]);
  }

  async #tell(message: 'begin' | { readonly quietMs: number }): Promise<unknown> {
    const answered = once(this.#child, 'message');
    this.#child.send(message);
    const [answer] = (await answered) as [unknown];
    return answer;
  }

  #walk(entries: readonly number[]): Walk {
    return new Walk(entries.map((file) => this.#program.files[file] ?? ''));
  }
}

/** The instrumented copy of the program, in a folder of its own. */
export class WalkingProgram {
  readonly folder = mkdtempSync(join(tmpdir(), 'ucwa-batch-proxy-walk-'));
  readonly main = join(this.folder, 'dist/main.js');
  readonly recorder = join(this.folder, 'recorder.mjs');
  readonly exitFile = join(this.folder, 'exit.json');
  /** Paths from the project's root, such as `src/main.ts`. */
  readonly files: readonly string[];

  constructor() {
    this.files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => `src/${name}`)
      .sort();
    for (const [index, file] of this.files.entries()) {
      const path = join(this.folder, 'dist', file.slice('src/'.length).replace(/\.ts$/, '.js'));
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, instrumented(readFileSync(join(root, file), 'utf8'), index));
    }
    cpSync(join(root, 'package.json'), join(this.folder, 'package.json'));
    symlinkSync(join(root, 'node_modules'), join(this.folder, 'node_modules'));
    writeFileSync(this.recorder, recorder(clockworks.map((file) => this.files.indexOf(file))));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

/** The source as JavaScript, in which each function first calls `enter(file)`. swc is quicker than tsc. */
function instrumented(source: string, file: number): string {
  const parsed = ts.createSourceFile('file.ts', source, ts.ScriptTarget.ES2023, true);
  const { transformed } = ts.transform(parsed, [
    (context) => (sourceFile) => reporting(sourceFile, file, context),
  ]);
  return compiled(transformed.map((one) => printer.printFile(one)).join(''));
}

function reporting(
  sourceFile: ts.SourceFile,
  file: number,
  context: ts.TransformationContext,
): ts.SourceFile {
  const { factory } = context;
  const enter = (): ts.Expression =>
    factory.createCallExpression(
      factory.createPropertyAccessExpression(factory.createIdentifier('globalThis'), 'enter'),
      undefined,
      [factory.createNumericLiteral(file)],
    );
  const withEnter = (body: ts.Block): ts.Block =>
    factory.updateBlock(body, [factory.createExpressionStatement(enter()), ...body.statements]);
  const visit = (node: ts.Node): ts.Node => {
    const seen = ts.visitEachChild(node, visit, context);
    if (ts.isArrowFunction(seen)) {
      const { modifiers, typeParameters, parameters, type, equalsGreaterThanToken, body } = seen;
      const entered = ts.isBlock(body)
        ? withEnter(body)
        : factory.createParenthesizedExpression(factory.createComma(enter(), body));
      return factory.updateArrowFunction(
        seen,
        modifiers,
        typeParameters,
        parameters,
        type,
        equalsGreaterThanToken,
        entered,
      );
    }
    // A getter counts as a property: its reader does not change file.
    const isEntered = ts.isFunctionLike(node.parent) && !ts.isGetAccessor(node.parent);
    return ts.isBlock(seen) && isEntered ? withEnter(seen) : seen;
  };
  return ts.visitNode(sourceFile, visit) as ts.SourceFile;
}
