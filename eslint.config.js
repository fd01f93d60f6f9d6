import js from '@eslint/js';
import importX, { createNodeResolver } from 'eslint-plugin-import-x';
import jest from 'eslint-plugin-jest';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Folders of src/ with I/O. They share types, never values. app/ joins them. */
const shells = [
  'settings',
  'listen',
  'engine',
  'upstream',
  'pass-through',
  'admin',
  'metrics',
  'log',
  'shadow',
  'page',
  'parity',
  'simulator',
  'trace',
];

/** The only folder that imports each dependency. */
const homes = {
  'http-proxy': ['src/pass-through/**'],
  'p-queue': ['src/engine/**'],
  'lru-cache': ['src/engine/**'],
  'prom-client': ['src/metrics/**'],
  undici: ['src/upstream/**'],
  zod: ['src/settings/**'],
  yaml: ['src/settings/**'],
  pino: ['src/log/**'],
  '@opentelemetry': ['src/trace/**'],
};

const foreignPackages = (folder) =>
  Object.entries(homes)
    .filter(([, places]) => !places.includes(`src/${folder}/**`))
    .map(([name, places]) => ({
      group: [name, `${name}/*`],
      message: `Only ${places.join(', ')} imports ${name}.`,
    }));

const noCompositionRoot = {
  regex: '^(?:\\.\\./)+(?:app/|main\\.ts$)',
  message: 'Nothing imports the composition root.',
};

const shellRules = (self) => ({
  files: [`src/${self}/**`],
  rules: {
    'no-restricted-imports': 'off',
    '@typescript-eslint/no-restricted-imports': [
      'error',
      {
        patterns: [
          ...foreignPackages(self),
          noCompositionRoot,
          {
            // A folder of core/ may have the name of a shell: `../core/shadow/` is allowed.
            regex: `^(?:\\.\\./)+(?:${[...shells, 'cli'].filter((name) => name !== self).join('|')})/`,
            message: 'Shell folders share types, not values; app/ joins them.',
            allowTypeImports: true,
          },
          ...(self === 'engine' ? [protocolSeam] : []),
          ...(self === 'simulator'
            ? [{ group: ['**/core/**'], message: 'The simulator shares no code with the proxy.' }]
            : []),
        ],
      },
    ],
  },
});

/** The scheduler and the engine import one file of core/ucwa. */
const protocolSeam = {
  regex: '/ucwa/(?!protocol\\.ts$)',
  message: 'The scheduler and the engine import only protocol.ts of core/ucwa.',
};

/** Rules for files that are `depth` folders below src/core. */
const coreRules = (files, depth, more = []) => ({
  files,
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            regex: `^(?!\\.\\.?/)|^(?:\\.\\./){${depth + 1}}`,
            message: 'core/ imports only core/.',
          },
          ...more,
        ],
      },
    ],
  },
});

export default defineConfig(
  globalIgnores(['dist', 'coverage', '.stryker-tmp']),
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  {
    plugins: { 'import-x': importX },
    settings: {
      'import-x/extensions': ['.ts'],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
      'import-x/resolver-next': [createNodeResolver()],
    },
    languageOptions: {
      parserOptions: { projectService: { allowDefaultProject: ['*.js'] } },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      // `import { type X }` alone would still load the module.
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/array-type': ['error', { default: 'array-simple' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // The code reads raw header lists by index, with `as string`. Another rule forbids `!`.
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      'import-x/no-cycle': 'error',
      'import-x/no-duplicates': 'error',
      'import-x/no-default-export': 'error',
      'max-lines': ['error', { max: 300 }],
      'no-console': 'error',
      eqeqeq: 'error',
    },
  },
  {
    files: ['src/core/**'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...[
          'Date',
          'performance',
          'process',
          'console',
          'crypto',
          'fetch',
          'setTimeout',
          'setInterval',
          'setImmediate',
          'queueMicrotask',
        ].map((name) => ({ name, message: 'core/ is pure: take it as an argument.' })),
      ],
      'no-restricted-properties': ['error', { object: 'Math', property: 'random' }],
      'no-restricted-syntax': [
        'error',
        { selector: ':function[async=true]', message: 'core/ is synchronous.' },
        { selector: 'NewExpression[callee.name="Promise"]', message: 'core/ is synchronous.' },
      ],
    },
  },
  coreRules(['src/core/*.ts'], 0),
  coreRules(['src/core/*/*.ts'], 1),
  coreRules(['src/core/schedule/*.ts'], 1, [protocolSeam]),
  coreRules(['src/core/schedule/*/*.ts'], 2, [protocolSeam]),
  ...shells.map(shellRules),
  {
    files: ['src/cli/**', 'src/app/**', 'src/main.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: foreignPackages('cli').concat([
            { ...noCompositionRoot, regex: '(?:^|/)main\\.ts$' },
          ]),
        },
      ],
    },
  },
  {
    files: ['test/**/*.ts'],
    ...jest.configs['flat/recommended'],
    rules: {
      ...jest.configs['flat/recommended'].rules,
      '@typescript-eslint/no-non-null-assertion': 'off',
      'jest/no-standalone-expect': [
        'error',
        {
          additionalTestBlockFunctions: [
            'testWithPromtool',
            'testWithPrlimit',
            'testWithPython',
            'testWithBrowser',
            'testWithOpenssl',
            'testWithContainers',
            'testWithBoth',
            'testWithH2spec',
            'testWithH2spec.each',
            'testWithSystemd',
            'testWithSetpriv',
            'testWithCollector',
            'testWithHelm',
            'testWithHelm.each',
            'testWithLint.each',
            'testWithOldestHelm.each',
            'testWithBalancer',
            'testWithHaproxy',
            'testWithPrometheus',
            'testWithSignIn',
            'testWithSignIn.each',
            'testWithSpin',
            'testWithSpin.each',
          ],
        },
      ],
      'jest/expect-expect': ['error', { assertFunctionNames: ['expect*', 'fc.assert', 'assert*'] }],
      'jest/no-restricted-jest-methods': [
        'error',
        {
          mock: 'Pass a fake instead.',
          unstable_mockModule: 'Pass a fake instead.',
          useFakeTimers: 'Use the virtual clock.',
          retryTimes: 'A flaky test is a bug.',
        },
      ],
    },
  },
  {
    files: ['**/*.js'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        Buffer: 'readonly',
        URL: 'readonly',
        setTimeout: 'readonly',
        clearTimeout: 'readonly',
        setImmediate: 'readonly',
        performance: 'readonly',
      },
    },
    rules: { 'import-x/no-default-export': 'off', 'no-console': 'off' },
  },
  {
    // The scripts of the page share one scope. TypeScript checks their names (`test/page/client`).
    files: ['src/page/client/*.js'],
    languageOptions: { sourceType: 'script' },
    rules: {
      'no-undef': 'off',
      'no-unused-vars': 'off',
      '@typescript-eslint/no-unused-vars': 'off',
      'no-restricted-properties': [
        'error',
        ...['innerHTML', 'outerHTML', 'insertAdjacentHTML', 'write'].map((property) => ({
          property,
          message: 'Texts of the feed are never HTML.',
        })),
      ],
    },
  },
);
