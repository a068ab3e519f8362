/**
 * Which attempts work on this machine: one small file per attempt that has processes or a worktree, written before
 * they start. Other workers see from it that a worktree is in use, and after a crash the reaper finds what the dead
 * worker left running.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { sha256 } from '../core/json.js';
import { identityOf, isAlive } from '../core/processes.js';
import { killMarked, signalGroup } from './process-group.js';

const identitySchema = z.strictObject({ pid: z.int().min(2), startTime: z.string().nullable() });

const attemptFileSchema = z.strictObject({
  run: z.string(),
  step: z.string(),
  attempt: z.int().positive(),
  token: z.string(),
  /** Where the pids mean something. `boot` names one start of the machine; empty where that is not known. */
  machine: z.strictObject({ host: z.string(), boot: z.string() }),
  worker: z.strictObject({ id: z.string(), process: identitySchema }),
  group: identitySchema.nullable(),
  /** Whether its worktree is ready: only then do others share the tree with it. */
  prepared: z.boolean(),
  /** Whether it was told to end and has not yet: what it still writes belongs to nobody. */
  ending: z.boolean().default(false),
});

export type AttemptFile = z.infer<typeof attemptFileSchema>;

export interface AttemptName {
  readonly run: string;
  readonly step: string;
  readonly attempt: number;
}

type WorkersAttempt = AttemptName & { readonly worker: string };

export class AttemptFiles {
  readonly #folder: string;
  readonly #machine = thisMachine();

  /** `stateDir` is a folder of this machine that all its workers of one project share. */
  constructor(stateDir: string) {
    this.#folder = join(stateDir, 'attempts');
  }

  open(name: WorkersAttempt & { readonly token: string }): void {
    mkdirSync(this.#folder, { recursive: true });
    const { run, step, attempt, token, worker } = name;
    const self = identityOf(process.pid);
    this.#write({
      run,
      step,
      attempt,
      token,
      machine: this.#machine,
      worker: { id: worker, process: self },
      group: null,
      prepared: false,
      ending: false,
    });
  }

  /** Records the attempt's process group. Synchronous, so that hardly a moment passes between start and record. */
  recordGroup(name: WorkersAttempt, pid: number): void {
    const file = this.#read(this.#path(name));
    if (file !== null) this.#write({ ...file, group: identityOf(pid) });
  }

  markPrepared(name: WorkersAttempt): void {
    const file = this.#read(this.#path(name));
    if (file !== null) this.#write({ ...file, prepared: true });
  }

  markEnding(name: WorkersAttempt): void {
    const file = this.#read(this.#path(name));
    if (file !== null) this.#write({ ...file, ending: true });
  }

  close(name: WorkersAttempt): void {
    rmSync(this.#path(name), { force: true });
  }

  /** Attempts of the run on this machine whose worker lives, without the named one. */
  live(run: string, except: AttemptName | null): readonly AttemptFile[] {
    return this.#here()
      .map(({ file }) => file)
      .filter((file) => file.run === run && this.#workerLives(file))
      .filter((file) => except === null || file.step !== except.step || file.attempt !== except.attempt);
  }

  /** Ends what dead workers of this machine left running and removes their files; returns those attempts. */
  reap(): readonly AttemptFile[] {
    const orphans = this.#here().filter(({ file }) => !this.#workerLives(file));
    for (const { path, file } of orphans) {
      if (file.group !== null && file.machine.boot === this.#machine.boot) {
        if (isAlive(file.group) === 'yes') signalGroup(file.group.pid, 'SIGKILL');
        killMarked(attemptMarks(file.token, file.worker.id));
      }
      rmSync(path, { force: true });
    }
    return orphans.map(({ file }) => file);
  }

  #workerLives(file: AttemptFile): boolean {
    return file.machine.boot === this.#machine.boot && isAlive(file.worker.process) !== 'no';
  }

  #here(): readonly { path: string; file: AttemptFile }[] {
    return this.#all().filter(({ file }) => file.machine.host === this.#machine.host);
  }

  #all(): readonly { path: string; file: AttemptFile }[] {
    let names: readonly string[];
    try {
      names = readdirSync(this.#folder);
    } catch {
      return [];
    }
    return names.flatMap((name) => {
      if (!name.endsWith('.json')) return [];
      const path = join(this.#folder, name);
      const file = this.#read(path);
      return file === null ? [] : [{ path, file }];
    });
  }

  /** Null for a file that is gone or is not one of ours; neither may stop a worker. */
  #read(path: string): AttemptFile | null {
    try {
      return attemptFileSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
    } catch {
      return null;
    }
  }

  #write(file: AttemptFile): void {
    const path = this.#path({ ...file, worker: file.worker.id });
    const draft = `${path}.${String(process.pid)}`;
    writeFileSync(draft, `${JSON.stringify(file)}\n`, { mode: 0o600 });
    renameSync(draft, path);
  }

  /** With the worker: two that were handed the same attempt must not take each other's file away. */
  #path({ run, step, attempt, worker }: WorkersAttempt): string {
    return join(this.#folder, `${[run, step, String(attempt), worker].map(fileSafe).join('.')}.json`);
  }
}

/** Ends the groups that dead workers of this machine left running; for the start of a worker. */
export function reapOrphans(stateDir: string): readonly AttemptFile[] {
  return new AttemptFiles(stateDir).reap();
}

/** Environment variables that together name one attempt of one worker process. */
export function attemptMarks(token: string, worker: string): Readonly<Record<string, string>> {
  return { COORD_TOKEN: token, COORD_WORKER: worker };
}

/** A name as part of a file or ref name: itself when it is harmless, else cleaned and made unique again by a hash. */
export function fileSafe(name: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9_-]{0,79}$/.test(name)) return name;
  const clean = name.replace(/[^A-Za-z0-9_-]+/g, '-').slice(0, 60);
  return `${clean.replace(/^-+|-+$/g, '')}_${sha256(name).slice(0, 8)}`;
}

function thisMachine(): AttemptFile['machine'] {
  try {
    return { host: hostname(), boot: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() };
  } catch {
    return { host: hostname(), boot: '' };
  }
}
