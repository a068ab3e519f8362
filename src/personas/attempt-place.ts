/** Where the processes of an attempt work, and what their environment tells them; the same for every kind that starts programs. */
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PersonaRequest } from '../core/exchange.js';
import { attemptMarks, fileSafe } from './attempt-files.js';
import { personaEnvironment } from './environment.js';
import type { PersonaBase } from './persona.js';
import { type AttemptContext, errorReply, type RawReply } from './runner.js';

export interface AttemptPlace {
  readonly request: PersonaRequest;
  readonly context: AttemptContext;
  /** Where it works. */
  readonly directory: string;
  /** Of coord, beside it; removed afterwards like an own `directory`. */
  readonly scratch: string;
  /** Begins the names of artifacts that coord itself makes of the attempt. */
  readonly name: string;
}

/** Runs `body` with a place for the attempt, which is cleared away when it has ended. */
export async function inPlace(
  request: PersonaRequest,
  context: AttemptContext,
  body: (place: AttemptPlace) => Promise<RawReply>,
): Promise<RawReply> {
  if (process.platform === 'win32')
    return errorReply('PERSONA_ERROR', 'personas that are programs need Linux or macOS');
  const scratch = await realpath(await mkdtemp(join(tmpdir(), 'coord-attempt-')));
  try {
    const directory = context.directory ?? join(scratch, 'work');
    if (context.directory === null) await mkdir(directory);
    const name = `${fileSafe(request.step)}.${String(request.attempt)}`;
    return await body({ request, context, directory, scratch, name });
  } finally {
    await rm(scratch, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** `names` are passed through besides the base allow-list; `set` is what the kind sets itself. */
export async function placeEnvironment(
  { request, context, scratch }: AttemptPlace,
  { prompt, file }: PersonaBase,
  { names, set = {} }: { readonly names: readonly string[]; readonly set?: Readonly<Record<string, string>> },
): Promise<Record<string, string>> {
  const own: Record<string, string> = {
    ...set,
    COORD_RUN: request.run,
    COORD_STEP: request.step,
    COORD_ATTEMPT: String(request.attempt),
    COORD_PERSONA: request.persona,
    ...attemptMarks(context.token, context.worker),
  };
  if (file !== null) own['COORD_PERSONA_FILE'] = file;
  if (context.directory !== null) {
    own['COORD_WORKSPACE'] = context.directory;
    // Should the worktree's link to the repository be deleted, git must not find the user's checkout around it.
    own['GIT_CEILING_DIRECTORIES'] = join(context.directory, '..');
  }
  if (prompt !== '') {
    own['COORD_PROMPT_FILE'] = join(scratch, 'prompt.md');
    await writeFile(join(scratch, 'prompt.md'), `${prompt}\n`);
  }
  return personaEnvironment(names, own);
}

/** The end of what it said beside its answer, as the artifact `<step>.<attempt>.log`. */
export function withLog(reply: RawReply, name: string, text: string): RawReply {
  const log = `${name}.log`;
  if (text === '' || reply.artifacts.some((artifact) => artifact.name === log)) return reply;
  const content = new TextEncoder().encode(text);
  return { ...reply, artifacts: [...reply.artifacts, { name: log, type: 'text/plain', content }] };
}

/** Why a program could not be started. */
export function startFailure(named: string, program: string, failure: NodeJS.ErrnoException): string {
  if (failure.code === 'ENOENT') {
    const where = program.includes('/') ? '' : `; PATH is ${process.env['PATH'] ?? '(not set)'}`;
    return `${named} was not found${where}`;
  }
  if (failure.code === 'EACCES') return `${named} may not be executed; is its file mode right (chmod +x)?`;
  return `${named} could not be started: ${failure.message}`;
}
