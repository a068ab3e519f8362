/**
 * What the command line needs from the rest of the program. `app` implements it; commands parse, call it and the
 * client, and print. Nothing here prints.
 */
import type { Backups } from '../coordinator/client-backup.js';
import type { Client } from '../coordinator/client.js';
import type { Locks } from '../coordinator/client-locks.js';
import type { Keeper } from '../coordinator/client-keep.js';
import type { Observer } from '../coordinator/client-observer.js';
import type { Operator } from '../coordinator/client-operator.js';
import type { Schedules } from '../coordinator/client-schedules.js';
import type { Clock } from '../core/clock.js';
import type { Finding } from '../core/finding.js';
import type { JsonObject } from '../core/json.js';
import type { TestReport, TestResult } from '../core/test-report.js';
import type { LoadedWorkflow } from '../definition/load.js';
import type { LoadedSchedule } from '../definition/load-schedules.js';
import type { PluginStepType } from '../definition/load-types.js';
import type { Io } from './io.js';
import type { PersonaDesk } from './persona-desk.js';
import type { TeamDesk } from './team-desk.js';

/** Options that every command takes. */
export interface GlobalOptions {
  /** `--redis URL` or COORD_REDIS_URL; null for the project's private server. */
  readonly redis: string | null;
  /** `--namespace NAME` or COORD_NAMESPACE; default `coord`. */
  readonly namespace: string;
  /** Project folder: the top of the git repository around the working directory, else the working directory. */
  readonly directory: string;
}

/** How far a command may go to have a store. `find`: only one that runs already. `start`: may start the private server. */
export type Reach = 'find' | 'start';

export interface Session {
  readonly client: Client;
  readonly keeper: Keeper;
  readonly operator: Operator;
  readonly schedules: Schedules;
  readonly locks: Locks;
  readonly observer: Observer;
  /** False when nothing survives this process. */
  readonly durable: boolean;
  /** One line that a person should read before anything else (no Redis found, what that means, the command that fixes it), or null. */
  readonly notice: string | null;
  close(): Promise<void>;
}

export interface BackupSession {
  readonly backups: Backups;
  readonly notice: string | null;
  close(): Promise<void>;
}

/** Who moves the runs of the namespace. */
export type Hosting =
  /** A daemon that was there already: runs go on without this process. */
  | { readonly kind: 'daemon'; readonly owner: string }
  /** The project's background host, started now or before: runs go on without this process. */
  | { readonly kind: 'background'; readonly pid: number; readonly started: boolean; readonly log: string }
  /** This very process: runs end with it. */
  | { readonly kind: 'in-process' };

export interface Repository {
  /** Absolute path of its top folder. */
  readonly top: string;
  /** Full hash of HEAD. */
  readonly head: string;
  /** Whether the checkout has changes that are not committed: a run does not see them. */
  readonly dirty: boolean;
}

/** Personas that a workflow may name. */
export interface KnownPersonas {
  /** Folders with persona files, besides the project's own and the built-in ones. */
  readonly directories: readonly string[];
  /** Names that live workers serve, wherever their files are. */
  readonly served: readonly string[];
}

export interface NewWorkflow {
  readonly name: string;
  readonly template: string;
}

export interface CreatedWorkflow {
  /** Absolute. */
  readonly file: string;
  /** Personas that it asks and that have no file yet. */
  readonly missing: readonly string[];
}

export interface ServeOptions {
  /** Move runs. */
  readonly coordinate: boolean;
  /** Serve personas. */
  readonly work: boolean;
  /** Folders with persona files besides the project's own and the built-in ones, first wins. */
  readonly personas: readonly string[];
  /** Only these personas; null for all. */
  readonly only: readonly string[] | null;
  /** Number of partitions for a new namespace; null for what is there, or 1. */
  readonly partitions: number | null;
  /** How long ended runs are kept whose workflow does not say, ms; null: nothing is collected by itself. */
  readonly retentionMs: number | null;
  /** Ends by itself after this long without a run that has not ended, ms; null for never. */
  readonly idleExitMs: number | null;
  /** `json` for log collectors. */
  readonly log: 'pretty' | 'json';
}

export interface TestRequest {
  /** Files and folders; none: the project's `workflows`. */
  readonly files: readonly string[];
  /** Only tests whose name contains this text; null for all. */
  readonly filter: string | null;
  /** What properties draw from; null for the usual one. */
  readonly seed: number | null;
  /** Whether problems of files are shown in color. */
  readonly color: boolean;
  /** Told of every result as it comes. */
  readonly tell?: (result: TestResult) => void;
}

export interface Application {
  readonly version: string;
  readonly clock: Clock;
  readonly personas: PersonaDesk;
  readonly team: TeamDesk;
  /** Throws REDIS_UNREACHABLE; with reach `find` also when the project's private server is not running. */
  connect(options: GlobalOptions, reach: Reach): Promise<Session>;
  /**
   * Sees to it that somebody moves runs and serves the personas of these folders, besides the project's own and the
   * built-in ones; null: of the folders that the host before served. Throws HOST_START_FAILED, PERSONA_INVALID.
   */
  ensureHost(session: Session, options: GlobalOptions, personas: readonly string[] | null): Promise<Hosting>;
  /**
   * For a store that does not answer: starts the project's private server again when it crashed. `stopped`: somebody
   * stopped it on purpose. `elsewhere`: it is not ours to start, so there is nothing but to wait.
   */
  reviveStore(session: Session): Promise<'answers' | 'restarted' | 'stopped' | 'elsewhere'>;
  /** Whether whoever `ensureHost` found is still there; a follower asks now and then and calls `ensureHost` again when not. */
  isHosted(session: Session): Promise<boolean>;
  /** `coord daemon` and `coord worker`: runs until `signal` is aborted (or idle), then stops cleanly. Logs to stdout. */
  serve(options: GlobalOptions, serve: ServeOptions, signal: AbortSignal): Promise<void>;
  /** Throws DEFINITION_NOT_FOUND, or DEFINITION_INVALID with every problem. `personas` null: any may be named. */
  loadWorkflow(
    nameOrPath: string,
    options: GlobalOptions,
    personas: KnownPersonas | null,
    /** The environment whose variables count; none by default. */
    environment?: string | null,
  ): Promise<LoadedWorkflow>;
  /** The personas that have a file here, besides the built-in ones; of the folders that the host serves. Null when they cannot be read. */
  knownPersonas(options: GlobalOptions): Promise<ReadonlySet<string> | null>;
  /** Reads the persona files of these folders and the project's. Throws PERSONA_INVALID with every problem. */
  checkPersonas(options: GlobalOptions, directories: readonly string[]): Promise<void>;
  /** The step types of the project's plugins, by name. Throws DEFINITION_INVALID, naming the file. */
  stepTypes(options: GlobalOptions): Promise<ReadonlyMap<string, PluginStepType>>;
  /** `coord init`: makes what a project needs in a folder, and leaves alone what is there. Paths are relative to the folder. */
  initProject(folder: string): Promise<readonly { readonly file: string; readonly created: boolean }[]>;
  /** What a workflow can be made from. */
  listTemplates(): Promise<readonly { readonly name: string; readonly description: string }[]>;
  /** `coord new`. Throws USAGE for a name that is taken or can be none, DEFINITION_NOT_FOUND for an unknown template. */
  newWorkflow(options: GlobalOptions, wanted: NewWorkflow): Promise<CreatedWorkflow>;
  /** The project's own workflows, with their files; those that come with coord can be named beside them. */
  listWorkflows(options: GlobalOptions): Promise<readonly { readonly name: string; readonly file: string }[]>;
  /** A task file (YAML or JSON object), or JSON text that begins with `{`. Throws TASK_INVALID. */
  loadTask(fileOrJson: string): Promise<JsonObject>;
  /** Schedule files; none: those of the project's folder `schedules`. Throws SCHEDULE_INVALID with every problem. */
  loadSchedules(options: GlobalOptions, files: readonly string[]): Promise<readonly LoadedSchedule[]>;
  /** Throws WORKSPACE_INVALID. */
  openRepository(directory: string): Promise<Repository>;
  /** `coord test`. Throws TEST_INVALID with every problem of a file, DEFINITION_… for a workflow that cannot be tested. */
  runTests(options: GlobalOptions, request: TestRequest): Promise<TestReport>;
  /** The text of a test file that goes as the run did. Throws RUN_NOT_FOUND. */
  recordTest(session: Pick<Session, 'client'>, run: string): Promise<string>;
  /** Plays the replies of a run on its workflow as the file is now. Throws RUN_NOT_FOUND, DEFINITION_…, TEST_INVALID. */
  replayRun(session: Pick<Session, 'client'>, options: GlobalOptions, run: string): Promise<TestReport>;
  /** For `coord backup` and `coord restore`: the store, without the namespace being opened. Throws as `connect` does. */
  backups(options: GlobalOptions, reach: Reach): Promise<BackupSession>;
  /** Runs a command at the terminal, in the folder and with the variables of `io`; `until` asks it to end. Returns its exit code. Throws USAGE. */
  runCommand(
    io: Pick<Io, 'cwd' | 'env'>,
    command: { readonly argv: readonly string[]; readonly until: AbortSignal },
  ): Promise<number>;
  /** `coord up`: starts the private server. `started` false when it ran already. */
  up(options: GlobalOptions): Promise<{ readonly started: boolean; readonly label: string }>;
  /** `coord down`: stops the background host, then the private server. Says what was running. */
  down(options: GlobalOptions): Promise<{ readonly host: boolean; readonly server: boolean }>;
  doctor(options: GlobalOptions, personas: readonly string[]): Promise<readonly Finding[]>;
}
