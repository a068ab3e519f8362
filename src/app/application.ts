/** Puts the rings together behind what the command line asks for. The only place that knows all of them. */
import { resolve } from 'node:path';
import type {
  Application,
  BackupSession,
  GlobalOptions,
  Hosting,
  KnownPersonas,
  NewWorkflow,
  Reach,
  ServeOptions,
  Session,
  TestRequest,
} from '../cli/application.js';
import type { PersonaDesk } from '../cli/persona-desk.js';
import type { TeamDesk } from '../cli/team-desk.js';
import { Client } from '../coordinator/client.js';
import { Backups } from '../coordinator/client-backup.js';
import { Keeper } from '../coordinator/client-keep.js';
import { Observer } from '../coordinator/client-observer.js';
import { Operator } from '../coordinator/client-operator.js';
import { Locks } from '../coordinator/client-locks.js';
import { Schedules } from '../coordinator/client-schedules.js';
import { type Clock, systemClock } from '../core/clock.js';
import { CoordError } from '../core/errors.js';
import { Failpoints } from '../core/failpoints.js';
import { randomIds } from '../core/ids.js';
import { didYouMean } from '../core/suggest.js';
import { listWorkflows, loadWorkflow, type LoadedWorkflow } from '../definition/load.js';
import { listScheduleFiles, loadSchedules } from '../definition/load-schedules.js';
import { loadStepTypes } from '../definition/load-types.js';
import { allSteps, isAsking, personasOf } from '../definition/steps.js';
import { loadPersonas } from '../personas/catalog.js';
import type { PersonaDefinition } from '../personas/persona.js';
import { openRepository } from '../personas/repository.js';
import { managedServer, serverAnswers, stopServer } from '../redis/managed-server.js';
import { ensureBackgroundHost, liveOwners, stopBackgroundHosts } from './background.js';
import { type Connected, connect, givenAddress, type Means, missingRedis, openStore, revive } from './connect.js';
import { examine } from './doctor.js';
import { Host } from './host.js';
import { forgetHost, readHostRecord } from './host-record.js';
import { createLog } from './log.js';
import { runHeldCommand } from './held-command.js';
import { awakeSchedules, openRuns } from './open-runs.js';
import { personaDesk } from './persona-desk.js';
import { initProject, listTemplates, newWorkflow } from './scaffold.js';
import {
  ownWorkflowDirectories,
  personaDirectories,
  pluginDirectories,
  schedulesDirectory,
  stateDirectory,
  VERSION,
  workflowDirectories,
} from './project.js';
import { loadTask } from './task.js';
import { teamDesk } from './team.js';
import { recordRun, replayRun, runTestFiles } from './test-command.js';

const ATTEND_MS = 500;
const WORKER_GRACE_MS = 60_000;

export function createApplication(env: Means['env'] = process.env, clock: Clock = systemClock): Application {
  const failpoints = new Failpoints(env['COORD_FAILPOINTS'], env['COORD_FAILPOINT_LOG']);
  return new CoordApplication({ clock, ids: randomIds, failpoints, env });
}

class CoordApplication implements Application {
  readonly version = VERSION;
  readonly personas: PersonaDesk;
  readonly team: TeamDesk;
  readonly #means: Means;
  readonly #sessions = new WeakMap<Session, Connected & { inProcess: Host | null }>();

  constructor(means: Means) {
    this.#means = means;
    this.personas = personaDesk(means);
    this.team = teamDesk({ ...means, fetch });
  }

  get clock(): Clock {
    return this.#means.clock;
  }

  async connect(options: GlobalOptions, reach: Reach): Promise<Session> {
    const connected = await connect(options, { reach, partitions: null, means: this.#means });
    const { store, partitions, notice } = connected;
    const { clock, ids } = this.#means;
    const client = new Client({ store, partitions, clock, ids });
    const session: Session = {
      client,
      keeper: new Keeper({ store, partitions, clock }),
      operator: new Operator({ store, partitions, clock, ids }),
      schedules: new Schedules({ store, partitions, clock }),
      locks: new Locks({ store, partitions, clock, ids }),
      observer: new Observer({ store, partitions, clock, client }),
      durable: store.durable,
      notice,
      close: async () => {
        await this.#of(session).inProcess?.stop();
        await store.close();
      },
    };
    this.#sessions.set(session, { ...connected, inProcess: null });
    return session;
  }

  async ensureHost(session: Session, options: GlobalOptions, asked: readonly string[] | null): Promise<Hosting> {
    const given = asked ?? (await readHostRecord(options))?.directories ?? [];
    const connected = this.#of(session);
    const { store, partitions } = connected;
    const directories = personaDirectories(options, given);
    const personas = await loadPersonas(directories);
    if (store.durable)
      return ensureBackgroundHost({
        options,
        store,
        partitions,
        personaDirectories: given.map((directory) => resolve(directory)),
        personas,
        means: this.#means,
      });
    if (connected.inProcess === null) {
      const log = createLog('pretty', { clock: this.clock, write: () => undefined });
      connected.inProcess = new Host({
        store,
        partitions,
        coordinate: true,
        retentionMs: null,
        personas,
        stateDirectory: stateDirectory(options),
        means: this.#means,
        log,
        graceMs: 0,
      });
      connected.inProcess.start();
    }
    return { kind: 'in-process' };
  }

  async reviveStore(session: Session): ReturnType<Application['reviveStore']> {
    return revive(this.#of(session).server, this.#means);
  }

  async isHosted(session: Session): Promise<boolean> {
    const { store, inProcess } = this.#of(session);
    return inProcess !== null || (await liveOwners(store)).length > 0;
  }

  async serve(options: GlobalOptions, serve: ServeOptions, signal: AbortSignal): Promise<void> {
    const { clock } = this.#means;
    const log = createLog(serve.log, { clock, write: (line) => process.stdout.write(line) });
    const all = serve.work
      ? await loadPersonas(personaDirectories(options, serve.personas))
      : new Map<string, PersonaDefinition>();
    const personas = onlyNamed(all, serve.only);
    const connected = await connect(options, { reach: 'start', partitions: serve.partitions, means: this.#means });
    const { store, partitions } = connected;
    if (!store.durable) {
      await store.close();
      throw new CoordError('REDIS_UNREACHABLE', await missingRedis(this.#means));
    }
    await liveOwners(store);
    // Nobody waits at this terminal for an attempt of a host that ends by itself: the next host starts it again.
    const graceMs = serve.idleExitMs === null ? WORKER_GRACE_MS : 0;
    const host = new Host({
      store,
      partitions,
      coordinate: serve.coordinate,
      retentionMs: serve.retentionMs,
      personas,
      stateDirectory: stateDirectory(options),
      means: this.#means,
      log,
      graceMs,
    });
    log.note(
      `${serve.coordinate ? 'coordinating' : 'working'} on ${store.label}, namespace ${options.namespace}, ${String(partitions)} partition${partitions === 1 ? '' : 's'}`,
    );
    if (personas.size > 0) log.note(`personas: ${[...personas.keys()].join(', ')}`);
    host.start();
    await this.#attend(connected, { host, idleExitMs: serve.idleExitMs, signal });
    log.note('stopping');
    await host.stop();
    await store.close();
    if (host.namespaceGone)
      throw new CoordError(
        'NAMESPACE_GONE',
        `namespace ${options.namespace} is gone from ${store.label}: somebody has emptied, replaced or restored the store; nothing was started afresh`,
      );
    // The background host takes its own record away, so that nobody looks for it.
    if (serve.idleExitMs !== null && (await readHostRecord(options))?.process.pid === process.pid)
      await forgetHost(options);
  }

  async loadWorkflow(
    nameOrPath: string,
    options: GlobalOptions,
    known: KnownPersonas | null,
    environment: string | null = null,
  ): Promise<LoadedWorkflow> {
    const files = known === null ? null : await loadPersonas(personaDirectories(options, known.directories));
    const personas = files === null ? null : new Set([...files.keys(), ...(known?.served ?? [])]);
    const types = await this.stepTypes(options);
    return loadWorkflow(nameOrPath, { directories: workflowDirectories(options), personas, environment, types });
  }

  async knownPersonas(options: GlobalOptions): ReturnType<Application['knownPersonas']> {
    const given = (await readHostRecord(options).catch(() => null))?.directories ?? [];
    const found = await loadPersonas(personaDirectories(options, given)).catch(() => null);
    return found === null ? null : new Set(found.keys());
  }

  async checkPersonas(options: GlobalOptions, directories: readonly string[]): Promise<void> {
    await loadPersonas(personaDirectories(options, directories));
  }

  stepTypes(options: GlobalOptions): ReturnType<Application['stepTypes']> {
    return loadStepTypes(pluginDirectories(options));
  }

  initProject(folder: string): ReturnType<Application['initProject']> {
    return initProject(folder);
  }

  listTemplates(): ReturnType<Application['listTemplates']> {
    return listTemplates();
  }

  async newWorkflow(options: GlobalOptions, wanted: NewWorkflow): ReturnType<Application['newWorkflow']> {
    const created = await newWorkflow(options.directory, wanted);
    const { definition } = await this.loadWorkflow(created.file, options, null);
    const known = await loadPersonas(personaDirectories(options, []));
    const asked = [...allSteps(definition.steps)].flatMap((step) => (isAsking(step) ? personasOf(step) : []));
    return { ...created, missing: [...new Set(asked)].filter((name) => !known.has(name)) };
  }

  async listWorkflows(options: GlobalOptions): ReturnType<Application['listWorkflows']> {
    return listWorkflows(ownWorkflowDirectories(options));
  }

  loadTask(fileOrJson: string): ReturnType<Application['loadTask']> {
    return loadTask(fileOrJson);
  }

  runCommand: Application['runCommand'] = ({ cwd, env }, command) =>
    runHeldCommand({ ...command, directory: cwd, environment: env });

  async loadSchedules(options: GlobalOptions, files: readonly string[]): ReturnType<Application['loadSchedules']> {
    return loadSchedules(files.length > 0 ? files : await listScheduleFiles(schedulesDirectory(options)));
  }

  async openRepository(directory: string): ReturnType<Application['openRepository']> {
    const { top, head, dirty } = await openRepository(directory, this.clock);
    return { top, head, dirty };
  }

  runTests(options: GlobalOptions, request: TestRequest): ReturnType<Application['runTests']> {
    return runTestFiles(options, request, this.clock);
  }

  recordTest(session: Pick<Session, 'client'>, run: string): ReturnType<Application['recordTest']> {
    return recordRun(session, run);
  }

  replayRun(
    session: Pick<Session, 'client'>,
    options: GlobalOptions,
    run: string,
  ): ReturnType<Application['replayRun']> {
    return replayRun(session, { options, run, clock: this.clock });
  }

  async backups(options: GlobalOptions, reach: Reach): Promise<BackupSession> {
    const { store, notice } = await openStore(options, { reach, means: this.#means });
    const { namespace } = options;
    const backups = new Backups({ store, namespace, version: VERSION, ids: this.#means.ids });
    return { backups, notice, close: () => store.close() };
  }

  async up(options: GlobalOptions): ReturnType<Application['up']> {
    const running =
      givenAddress(options) !== null || (await serverAnswers(managedServer(stateDirectory(options)), this.clock));
    const { store } = await connect(options, { reach: 'start', partitions: null, means: this.#means });
    await store.close();
    if (!store.durable) throw new CoordError('REDIS_START_FAILED', await missingRedis(this.#means));
    return { started: !running, label: store.label };
  }

  async down(options: GlobalOptions): ReturnType<Application['down']> {
    const host = await stopBackgroundHosts(options, this.clock);
    const server = await stopServer(managedServer(stateDirectory(options)), this.clock);
    return { host, server };
  }

  doctor(options: GlobalOptions, personas: readonly string[]): ReturnType<Application['doctor']> {
    return examine(options, { personas, means: this.#means });
  }

  #of(session: Session): Connected & { inProcess: Host | null } {
    const connected = this.#sessions.get(session);
    if (connected === undefined) throw new CoordError('USAGE', 'this session belongs to another application');
    return connected;
  }

  /**
   * Until the signal, or until no run has been under way for the idle time. Meanwhile a private server that crashed is
   * started again: whoever moves runs is the one who notices.
   */
  async #attend(connected: Connected, { host, idleExitMs, signal }: Attending): Promise<void> {
    const { clock } = this.#means;
    for (let idleSince = clock.now(); !signal.aborted && !host.namespaceGone; await clock.sleep(ATTEND_MS, signal)) {
      const open = await openRuns(connected).catch(() => null);
      if (open === null) {
        const state = await revive(connected.server, this.#means).catch(() => 'elsewhere');
        if (state === 'stopped' && idleExitMs !== null) return;
      }
      if (open?.length !== 0 || (host.worker?.busy ?? 0) > 0) idleSince = clock.now();
      else if (idleExitMs !== null && clock.now() - idleSince >= idleExitMs) {
        if (!(await awakeSchedules(connected).catch(() => true))) return;
        idleSince = clock.now();
      }
    }
  }
}

interface Attending {
  readonly host: Host;
  readonly idleExitMs: number | null;
  readonly signal: AbortSignal;
}

function onlyNamed(
  personas: ReadonlyMap<string, PersonaDefinition>,
  only: readonly string[] | null,
): ReadonlyMap<string, PersonaDefinition> {
  if (only === null) return personas;
  const unknown = only.find((name) => !personas.has(name));
  if (unknown !== undefined) {
    throw new CoordError(
      'PERSONA_NOT_FOUND',
      `there is no persona "${unknown}".${didYouMean(unknown, personas.keys())} Known are ${[...personas.keys()].join(', ')}.`,
    );
  }
  return new Map([...personas].filter(([name]) => only.includes(name)));
}
