/** One call of a command: everything it was handed, in one place, and the options that several commands share. */
import { resolve } from 'node:path';
import { Command, InvalidArgumentError } from '@commander-js/extra-typings';
import { CoordError } from '../core/errors.js';
import type { Application, GlobalOptions, Reach, Session } from './application.js';
import type { Io } from './io.js';
import { projectFolder, repositoryTop, workingFolder } from './project-folder.js';
import { type Palette, palette } from './render/paint.js';
import { severalLines } from './render/printable.js';
import type { TableLook } from './render/table.js';

export interface Call {
  readonly app: Application;
  readonly io: Io;
  readonly options: GlobalOptions;
  readonly colors: Palette;
  /** Top of the repository around the reader's shell, or that folder. */
  readonly standsIn: string;
  /** Whether the project folder is a git repository. */
  readonly inRepository: boolean;
  /** An absolute path of what was given, as seen from the folder the command works in. */
  path(given: string): string;
  /** The same file, but as it was given where that means the same, so that messages name it as the person did. */
  file(given: string): string;
}

/** Runs the body of a command; its number is the exit code. */
export type Invoke = (command: WithGlobals, body: (call: Call) => Promise<number>) => Promise<void>;

interface WithGlobals {
  optsWithGlobals(): GlobalFlags;
}

export interface GlobalFlags {
  readonly redis?: string | undefined;
  readonly namespace?: string | undefined;
  readonly directory?: string | undefined;
  readonly color: boolean;
}

const NAMESPACE = 'coord';

/** The program without its commands. The variables are read through `io`, so that a test can set them. */
export function bareProgram() {
  return new Command('coord')
    .option('--redis <url>', 'Redis to work on (COORD_REDIS_URL); default: a private server of the project')
    .option('--namespace <name>', `namespace in that Redis (COORD_NAMESPACE); default: ${NAMESPACE}`)
    .option('-C, --directory <dir>', 'work as if started in this folder')
    .option('--no-color', 'no colors, as with NO_COLOR');
}

export type Program = ReturnType<typeof bareProgram>;

/** Throws USAGE for a folder that does not exist. */
export function callFor(flags: GlobalFlags, { app, io }: { app: Application; io: Io }): Call {
  const folder = workingFolder(io.cwd, flags.directory);
  return {
    app,
    io,
    options: {
      redis: flags.redis ?? textOf(io.env['COORD_REDIS_URL']),
      namespace: flags.namespace ?? textOf(io.env['COORD_NAMESPACE']) ?? NAMESPACE,
      directory: projectFolder(folder),
    },
    colors: palette(io.color && flags.color),
    standsIn: projectFolder(workingFolder(io.cwd, undefined)),
    inRepository: repositoryTop(folder) !== null,
    path: (given) => resolve(folder, given),
    file: (given) => (flags.directory === undefined ? given : resolve(folder, given)),
  };
}

/** Connects, shows what a person should read first, and closes on every way out. */
export async function withSession<T>(call: Call, reach: Reach, body: (session: Session) => Promise<T>): Promise<T> {
  const session = await call.app.connect(call.options, reach);
  try {
    if (session.notice !== null) note(call, session.notice);
    return await body(session);
  } finally {
    await session.close();
  }
}

/** A line for the person at the terminal that is no output: on stderr, in both forms of output. */
export function note({ io, colors }: Call, text: string): void {
  io.stderr.write(`${colors.warning(severalLines(text))}\n`);
}

export function print({ io }: Call, text: string): void {
  io.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}

/** One JSON document on stdout. */
export function printJson(call: Call, value: unknown): void {
  print(call, JSON.stringify(value, null, 2));
}

export function tableLook({ io, colors }: Call): TableLook {
  return { columns: io.isTTY ? io.columns : null, paintTitle: colors.dim };
}

/** For options that may be given several times. */
export function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

export function positiveInteger(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 1.');
  return Number(text);
}

/** The workflow file or name as the loader takes it: paths are seen from the folder the command works in. */
export function workflowOf(call: Call, given: string): string {
  return /[\\/]|\.(?:ya?ml|json|[cm]?[jt]s)$/.test(given) ? call.file(given) : given;
}

export function personasOf(call: Call, given: readonly string[] = []): readonly string[] {
  return given.map((folder) => folderOf(call, folder, 'of personas '));
}

/** Throws USAGE when it is not there. */
export function folderOf(call: Call, given: string, what = ''): string {
  const path = call.path(given);
  try {
    return workingFolder(path, undefined);
  } catch (error) {
    throw new CoordError('USAGE', `there is no folder ${what}${path}`, { cause: error });
  }
}

function textOf(text: string | undefined): string | null {
  return text === undefined || text === '' ? null : text;
}
