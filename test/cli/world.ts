/**
 * The command line over a memory store, with a real coordinator and scripted personas, on a clock that the test moves:
 * all times are the same in every run, and so are the ids.
 */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type {
  Application,
  BackupSession,
  GlobalOptions,
  KnownPersonas,
  NewWorkflow,
  Hosting,
  Reach,
  Repository,
  ServeOptions,
  Session,
  TestRequest,
} from '../../src/cli/application.js';
import type { Finding } from '../../src/core/finding.js';
import { personaDesk } from '../../src/app/persona-desk.js';
import { teamDesk } from '../../src/app/team.js';
import { initProject, listTemplates, newWorkflow } from '../../src/app/scaffold.js';
import type { Colleague, TeamDesk } from '../../src/cli/team-desk.js';
import { runCommandLine } from '../../src/cli/program.js';
import { Backups } from '../../src/coordinator/client-backup.js';
import { Client } from '../../src/coordinator/client.js';
import { Keeper } from '../../src/coordinator/client-keep.js';
import { Observer } from '../../src/coordinator/client-observer.js';
import { Operator } from '../../src/coordinator/client-operator.js';
import { Locks } from '../../src/coordinator/client-locks.js';
import { Schedules } from '../../src/coordinator/client-schedules.js';
import { Coordinator } from '../../src/coordinator/coordinator.js';
import { ManualClock, systemClock } from '../../src/core/clock.js';
import { CoordError } from '../../src/core/errors.js';
import { countedIds } from '../../src/core/ids.js';
import type { JsonObject } from '../../src/core/json.js';
import { type PersonaReply, type PersonaRequest, personaRequestSchema } from '../../src/core/exchange.js';
import type { Store } from '../../src/core/ports.js';
import type { TestReport } from '../../src/core/test-report.js';
import { MemoryContents } from '../../src/memory/contents.js';
import { createMemoryStore } from '../../src/memory/store.js';
import type { Problem } from '../../src/definition/problem.js';
import { allSteps, isAsking, personasOf } from '../../src/definition/steps.js';
import { listScheduleFiles, loadSchedules } from '../../src/definition/load-schedules.js';
import type { PluginStepType } from '../../src/definition/load-types.js';
import type { WorkflowDefinition } from '../../src/definition/workflow.js';
import { FakeIo, type FakeIoOptions } from './fake-io.js';

export const PASS: PersonaReply = { status: 'pass', result: null, artifacts: [], error: null, commit: null };
export const HEAD = 'a'.repeat(40);

export function rejected(message: string): PersonaReply {
  return { ...PASS, status: 'fail', error: { class: 'REJECTED', message } };
}

/** What a scripted persona can do besides answering. */
export interface Bench {
  readonly clock: ManualClock;
  readonly report: (progress: string) => Promise<void>;
  readonly artifact: (
    name: string,
    content: string | Uint8Array,
    type?: string,
  ) => Promise<PersonaReply['artifacts'][number]>;
}

export type Answer = (request: PersonaRequest, bench: Bench) => PersonaReply | Promise<PersonaReply>;

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly io: FakeIo;
}

export class World implements Application {
  readonly version = '1.2.3';
  readonly clock = new ManualClock();
  readonly personas = personaDesk({ clock: systemClock, ids: countedIds('trial'), env: {} });
  /** Who works on this machine. */
  colleagues: readonly Colleague[] = [];
  readonly team: TeamDesk = {
    ...teamDesk({ env: {}, fetch, clock: systemClock }),
    colleagues: async () => this.colleagues,
  };
  readonly contents = new MemoryContents(this.clock, 'i1');
  readonly store = createMemoryStore({ clock: this.clock, ids: countedIds('s'), contents: this.contents });
  readonly client: Client;
  readonly keeper: Keeper;
  readonly operator: Operator;
  readonly schedules: Schedules;
  readonly locks: Locks;
  /** What a command that is run at the terminal does. */
  command: Application['runCommand'] = async () => 0;
  readonly observer: Observer;
  /** A store that can be backed up; memory cannot. */
  backupStore: { readonly store: Store } | null = null;
  readonly workflows = new Map<string, WorkflowDefinition>();
  /** Personas that have a file. */
  files: ReadonlySet<string> | null = null;
  brokenPersonas: CoordError | null = null;
  types: ReadonlyMap<string, PluginStepType> = new Map();
  /** Personas that a new workflow asks and nobody has written. */
  missing: readonly string[] = [];
  /** What every workflow brings with it. */
  inner: readonly WorkflowDefinition[] = [];
  /** By name of the workflow. */
  readonly warnings = new Map<string, readonly Problem[]>();
  readonly tasks = new Map<string, JsonObject>();
  readonly directory: string;
  /** What commands asked of the application, in order. */
  readonly asked: string[] = [];
  readonly served: { options: GlobalOptions; serve: ServeOptions; ended: boolean }[] = [];
  options: GlobalOptions | null = null;
  answer: Answer = () => PASS;
  hosting: Hosting = { kind: 'background', pid: 77, started: true, log: '/log' };
  /** Says whether a host is there, whatever really moves the runs. */
  revived: Awaited<ReturnType<Application['reviveStore']>> = 'elsewhere';
  hosted = true;
  durable = true;
  notice: string | null = null;
  repository: Repository | CoordError = new CoordError('WORKSPACE_INVALID', 'no repository');
  findings: readonly Finding[] = [];
  report: TestReport = { tests: [], coverage: [], seed: 1, realMs: 0 };
  #host: Promise<unknown> | null = null;
  readonly #stop = new AbortController();

  constructor(
    makeClient: (params: ConstructorParameters<typeof Client>[0]) => Client = (params) => new Client(params),
  ) {
    this.keeper = new Keeper({ store: this.store, partitions: 1, clock: this.clock });
    this.client = makeClient({ store: this.store, partitions: 1, clock: this.clock, ids: countedIds() });
    this.operator = new Operator({ store: this.store, partitions: 1, clock: this.clock, ids: countedIds('o') });
    this.locks = new Locks({ store: this.store, partitions: 1, clock: this.clock, ids: countedIds('l') });
    this.schedules = new Schedules({ store: this.store, partitions: 1, clock: this.clock });
    this.observer = new Observer({ store: this.store, partitions: 1, clock: this.clock, client: this.client });
    this.directory = realpathSync(mkdtempSync(join(tmpdir(), 'coord-cli-')));
    onTestFinished(async () => {
      rmSync(this.directory, { recursive: true, force: true });
      this.#stop.abort();
      await this.#host;
    });
  }

  /** Starts a command; `ended` resolves with how it went. */
  begin(args: readonly string[], io: FakeIoOptions = {}): { readonly io: FakeIo; readonly ended: Promise<Ended> } {
    const fake = new FakeIo({ cwd: this.directory, ...io });
    const ended = runCommandLine(['node', 'coord', ...args], this, fake).then((code) => ({
      code,
      out: fake.out,
      err: fake.err,
      io: fake,
    }));
    return { io: fake, ended };
  }

  coord(...args: readonly string[]): Promise<Ended> {
    return this.begin(args).ended;
  }

  /** Moves the clock until something is the case. */
  async until(isSo: () => boolean, stepMs = 100): Promise<void> {
    for (let turns = 0; !isSo(); turns++) {
      if (turns > 2_000) throw new Error('it never came to that');
      this.clock.advance(stepMs);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async connect(options: GlobalOptions, reach: Reach): Promise<Session> {
    this.options = options;
    this.asked.push(`connect ${reach}`);
    const { client, keeper, operator, schedules, locks, observer, durable, notice } = this;
    const reached = { client, keeper, operator, schedules, locks, observer, durable, notice };
    return {
      ...reached,
      close: async () => {
        this.asked.push('close');
      },
    };
  }

  async ensureHost(_session: Session, _options: GlobalOptions, personas: readonly string[] | null): Promise<Hosting> {
    this.asked.push(['host', ...(personas ?? ['as before'])].join(' '));
    this.hosted = true;
    this.#host ??= this.#move();
    return this.hosting;
  }

  async reviveStore(): ReturnType<Application['reviveStore']> {
    return this.revived;
  }

  runCommand: Application['runCommand'] = (io, command) => this.command(io, command);

  async isHosted(): Promise<boolean> {
    return this.hosted;
  }

  async serve(options: GlobalOptions, serve: ServeOptions, signal: AbortSignal): Promise<void> {
    const serving = { options, serve, ended: false };
    this.served.push(serving);
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
    serving.ended = true;
  }

  async loadWorkflow(
    nameOrPath: string,
    _options: GlobalOptions,
    personas: KnownPersonas | null,
    environment: string | null = null,
  ): ReturnType<Application['loadWorkflow']> {
    const place = environment === null ? [] : [`in ${environment}`];
    this.asked.push(['load', nameOrPath, ...(personas?.directories ?? ['unchecked']), ...place].join(' '));
    const definition = this.workflows.get(nameOrPath);
    if (definition === undefined) throw new CoordError('DEFINITION_NOT_FOUND', `there is no workflow "${nameOrPath}"`);
    if (definition.steps.length === 0)
      throw new CoordError('DEFINITION_INVALID', `${nameOrPath}.yml:1:1  missing-key\n> 1 | name: x\n    | ^^^^`);
    const inner = this.inner;
    return {
      definition,
      inner,
      file: `workflows/${nameOrPath}.yml`,
      text: '',
      warnings: this.warnings.get(nameOrPath) ?? [],
    };
  }

  async knownPersonas(): ReturnType<Application['knownPersonas']> {
    return this.files;
  }

  async checkPersonas(): Promise<void> {
    if (this.brokenPersonas !== null) throw this.brokenPersonas;
  }

  async stepTypes(): ReturnType<Application['stepTypes']> {
    return this.types;
  }

  initProject(folder: string): ReturnType<Application['initProject']> {
    return initProject(folder);
  }

  listTemplates(): ReturnType<Application['listTemplates']> {
    return listTemplates();
  }

  async newWorkflow(options: GlobalOptions, wanted: NewWorkflow): ReturnType<Application['newWorkflow']> {
    return { ...(await newWorkflow(options.directory, wanted)), missing: this.missing };
  }

  async listWorkflows(): ReturnType<Application['listWorkflows']> {
    return [...this.workflows.keys()].map((name) => ({ name, file: `workflows/${name}.yml` }));
  }

  async loadTask(fileOrJson: string): Promise<JsonObject> {
    if (fileOrJson.startsWith('{')) return JSON.parse(fileOrJson) as JsonObject;
    const task = this.tasks.get(fileOrJson);
    if (task === undefined) throw new CoordError('TASK_INVALID', `the task ${fileOrJson} cannot be read`);
    return task;
  }

  async loadSchedules(options: GlobalOptions, files: readonly string[]): ReturnType<Application['loadSchedules']> {
    return loadSchedules(files.length > 0 ? files : await listScheduleFiles(join(options.directory, 'schedules')));
  }

  async openRepository(directory: string): Promise<Repository> {
    this.asked.push(`repository ${directory}`);
    if (this.repository instanceof CoordError) throw this.repository;
    return this.repository;
  }

  async runTests(_options: GlobalOptions, request: TestRequest): ReturnType<Application['runTests']> {
    this.asked.push(['test', ...request.files].join(' '));
    for (const result of this.report.tests) request.tell?.(result);
    return this.report;
  }

  async recordTest(_session: Session, run: string): Promise<string> {
    return `workflow: loop # of ${run}\n`;
  }

  async replayRun(): ReturnType<Application['replayRun']> {
    return this.report;
  }

  async backups(options: GlobalOptions): Promise<BackupSession> {
    const { store } = this.backupStore ?? { store: this.store };
    const { namespace } = options;
    const backups = new Backups({ store, namespace, version: this.version, ids: countedIds('b') });
    return { backups, notice: null, close: async () => undefined };
  }

  async up(): ReturnType<Application['up']> {
    return { started: true, label: 'unix:.coord/redis/redis.sock' };
  }

  async down(): ReturnType<Application['down']> {
    return { host: true, server: true };
  }

  async doctor(): Promise<readonly Finding[]> {
    return this.findings;
  }

  async #move(): Promise<void> {
    const { store, clock } = this;
    const personas = [
      ...new Set(
        [...this.workflows.values(), ...this.inner].flatMap(({ steps }) =>
          [...allSteps(steps)].flatMap((step) => (isAsking(step) ? personasOf(step) : [])),
        ),
      ),
    ];
    const ids = countedIds('o');
    const coordinator = new Coordinator({ store, partitions: 1, clock, ids, name: 'test', report: () => undefined });
    coordinator.start();
    await store.namespace.announceWorker({ worker: 'host:1:w1', host: 'host', pid: 1, personas, busy: 0 });
    const attempts: Promise<void>[] = [];
    while (!this.#stop.signal.aborted) {
      const taken = await store.requests.take({
        partition: 0,
        worker: 'host:1:w1',
        personas,
        limit: 10,
        total: 10,
        recover: false,
        waitMs: 1_000,
        signal: this.#stop.signal,
      });
      attempts.push(...taken.map((delivery) => this.#attempt(delivery)));
    }
    await coordinator.stop();
  }

  async #attempt({ body, persona, entry }: { body: string; persona: string; entry: string }): Promise<void> {
    const { requests, artifacts } = this.store;
    const request = personaRequestSchema.parse(JSON.parse(body));
    const { run, step, attempt, token, timeoutMs } = request;
    const key = { partition: 0, run, step, attempt, token, worker: 'host:1:w1' };
    if ((await requests.begin(key, { persona, entry, heartbeatMs: 3_600_000, timeoutMs })) !== 'go') return;
    const reply = await this.answer(request, {
      clock: this.clock,
      report: async (progress) => void (await requests.beat(key, { heartbeatMs: 3_600_000, progress })),
      artifact: async (name, content, type = 'text/plain') => {
        const bytes = Buffer.from(content);
        return { name, type, size: bytes.length, sha256: await artifacts.put(0, bytes) };
      },
    });
    await requests.reply(key, { body: JSON.stringify(reply) });
  }
}

/** A promise that a scripted persona waits for. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}
