/** The table of `ARCHITECTURE.md`: which folder of `src` may import what. The rules are in rules.ts. */

interface Ring {
  /** Folders whose files it may import; its own it always may. */
  readonly folders: readonly string[];
  /** Single files of other folders, where the whole folder would be too much. */
  readonly files?: RegExp;
  /** Whether it may use Node's own modules: the rings that decide stay free of files, processes and sockets. */
  readonly node: boolean | RegExp;
}

export const RINGS: Readonly<Record<string, Ring>> = {
  core: { folders: [], node: true },
  expression: { folders: ['core'], node: false },
  definition: { folders: ['core', 'expression'], node: /^src\/definition\/load[\w-]*\.ts$/ },
  machines: { folders: ['core', 'expression', 'definition'], node: false },
  coordinator: { folders: ['core', 'expression', 'definition', 'machines'], node: true },
  personas: { folders: ['core'], node: true },
  redis: { folders: ['core'], node: true },
  memory: { folders: ['core'], node: true },
  testing: {
    folders: ['core', 'expression', 'definition', 'machines', 'coordinator', 'memory'],
    node: /^src\/testing\/load[\w-]*\.ts$/,
  },
  cli: { folders: ['core', 'definition'], files: /^src\/coordinator\/client[\w-]*\.ts$/, node: true },
  app: {
    folders: [
      'core',
      'expression',
      'definition',
      'machines',
      'coordinator',
      'personas',
      'redis',
      'memory',
      'testing',
      'cli',
    ],
    node: true,
  },
};

/** Which folders may import a package; one that is not listed may be imported nowhere. */
export const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  acorn: ['expression'],
  zod: ['core', 'definition', 'machines', 'coordinator', 'personas', 'redis', 'memory', 'cli', 'app'],
  jiti: ['definition'],
  yaml: ['definition', 'personas', 'app'],
  xstate: ['machines'],
  'lru-cache': ['definition', 'coordinator'],
  ioredis: ['redis'],
  commander: ['cli'],
  '@commander-js/extra-typings': ['cli'],
  '@clack/prompts': ['cli'],
  picocolors: ['cli'],
  pino: ['app'],
};

/** Names that say what kind of thing a file holds instead of what it is about. */
export const FORBIDDEN_FOLDERS: readonly string[] = [
  'common',
  'enums',
  'helper',
  'helpers',
  'interfaces',
  'lib',
  'shared',
  'types',
  'util',
  'utils',
];

export const LINES_AT_MOST = 350;

/** Where the clock and chance enter. */
export const TIME_AND_CHANCE: readonly string[] = ['src/core/clock.ts', 'src/core/ids.ts'];

/** The one file that knows how keys are spelled. */
export const KEYS_FILE = 'src/redis/keys.ts';
