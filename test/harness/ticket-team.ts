/** The example ticket with everything that it needs, as processes of their own: redis-server, a daemon, two workers, its data. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { connect } from '../../src/app/client.js';
import type { Fact } from '../../src/core/facts.js';
import type { JsonObject } from '../../src/core/json.js';
import type { RunView, StepView } from '../../src/core/views.js';
import { COORD, type Ended, killTree, says, type Started, start, TOP } from './process-tree.js';
import { until } from './redis-instance.js';
import { startTestServer, type TestServer } from './redis-server.js';

const TICKET_EXAMPLE = join(TOP, 'examples/ticket');
const PERSONAS = join(TICKET_EXAMPLE, 'personas');
const TICKETS = join(TICKET_EXAMPLE, 'app/tickets.mjs');

interface ExampleTask extends JsonObject {
  readonly title: string;
  readonly description: string;
}

/** A task of the example, for a ticket of its own: `complete` leaves nothing open, `open` has questions, `critical` is dangerous. */
export const exampleTask = (name: 'complete' | 'open' | 'critical', ticket: string): ExampleTask => ({
  ...(parse(readFileSync(join(TICKET_EXAMPLE, `tasks/${name}.yml`), 'utf8')) as ExampleTask),
  ticket,
});

/** Nothing waits longer than somebody who sits before it does: services for 5 s, an index for as many looks. */
export const IMPATIENT = ['--env', 'interactive'];

/** What every ticket has in common that is done. */
export const READY = { status: 'ready', lock: null, generation: { state: 'complete', currentStep: 11 } };

/** What a test looks at of a ticket; the rest is JSON. */
export interface Ticket {
  readonly status: string;
  readonly version: number;
  readonly deleted?: boolean;
  readonly lock: { readonly run: string } | null;
  readonly generation: {
    readonly run: string;
    readonly state: string;
    readonly currentStep: number;
    readonly message: string | null;
  } | null;
  readonly [field: string]: unknown;
}

export class TicketTeam {
  readonly folder = mkdtempSync(join(tmpdir(), 'coord-ticket-'));
  /** The application's data. */
  readonly data = join(this.folder, 'data');
  /** A repository of its own, with the shop in it. */
  readonly repository = join(this.folder, 'shop');
  /** Where the terminals are. */
  readonly place = join(this.folder, 'place');
  readonly server: TestServer;
  /** Folders of personas that come before those of the example. */
  #before: readonly string[] = [];

  private constructor(server: TestServer) {
    this.server = server;
    mkdirSync(this.place);
    cpSync(join(TOP, 'examples/shopping-cart/project'), this.repository, { recursive: true });
  }

  static async gather(): Promise<TicketTeam> {
    return new TicketTeam(await startTestServer());
  }

  async disband(): Promise<void> {
    await this.killAll();
    await this.server.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** kill -9 of the daemon, the workers, their personas and all terminals. Redis is not among them. */
  async killAll(): Promise<number> {
    return await killTree({ mark: `COORD_TEST_TREE=${this.folder}`, folder: this.folder });
  }

  /** A daemon and two workers. `only`: these personas are served, and no others. */
  async work({
    before = this.#before,
    only,
  }: {
    before?: readonly string[];
    only?: readonly string[];
  } = {}): Promise<void> {
    this.#before = before;
    await says(this.coord('daemon'), 'is ours');
    const args = [...this.#personas(), ...(only === undefined ? [] : ['--only', only.join(',')])];
    await Promise.all([1, 2].map(async () => await says(this.coord('worker', ...args), 'serving partition 0')));
  }

  /** A persona whose program is this text, in a folder for `work`. */
  persona(name: string, program: string): string {
    const folder = mkdtempSync(join(this.folder, 'personas-'));
    writeFileSync(join(folder, `${name}.mjs`), program);
    const front = `kind: command\ncommand: [node, ./${name}.mjs]\nconcurrency: 4`;
    writeFileSync(join(folder, `${name}.md`), `---\n${front}\n---\nFor a test.\n`);
    return folder;
  }

  coord(...args: string[]): Started {
    const env = { COORD_TEST_TREE: this.folder, TICKET_DATA: this.data };
    return start([COORD, ...args], {
      cwd: this.place,
      env: { ...env, COORD_REDIS_URL: `unix:${this.server.server.socket}` },
    });
  }

  /** Runs a command to its end, which must be a good one. */
  async ok(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.coord(...args).ended;
    if (code !== 0) throw new Error(`coord ${args.join(' ')} ended with ${String(code)}: ${stderr}${stdout}`);
    return stdout;
  }

  /** Starts a run and follows it to its end, or until it waits for people. */
  async run(task: JsonObject, ...args: string[]): Promise<RunView> {
    return viewOf(await this.coord(...this.#runOf(task), '--until-waiting', '--json', ...args).ended);
  }

  /** Starts a run and leaves it. */
  async begin(task: JsonObject, ...args: string[]): Promise<string> {
    return (await this.ok(...this.#runOf(task), '--detach', ...args)).trim();
  }

  async view(run: string): Promise<RunView> {
    return JSON.parse(await this.ok('show', run, '--json')) as RunView;
  }

  /** Follows a run to its end. */
  async end(run: string): Promise<RunView> {
    return viewOf(await this.coord('watch', run, '--json').ended);
  }

  /** Resolves when the run is as it should be. */
  async until(run: string, what: string, holds: (view: RunView) => boolean): Promise<RunView> {
    const connected = await connect({ redis: `unix:${this.server.server.socket}` });
    try {
      let view = await connected.client.get(run);
      await until(`run ${run}: ${what}`, async () => holds((view = await connected.client.get(run))));
      return view;
    } finally {
      await connected.close();
    }
  }

  /** Every fact of the run until this step asks people, with how many ms after it happened it came. */
  async follow(run: string, step: string): Promise<readonly { readonly fact: Fact; readonly late: number }[]> {
    const connected = await connect({ redis: `unix:${this.server.server.socket}` });
    const told: { fact: Fact; late: number }[] = [];
    const over = new AbortController();
    try {
      for await (const fact of connected.client.follow(run, over.signal)) {
        told.push({ fact, late: Date.now() - fact.at });
        if (fact.type === 'step.waiting' && fact.step === step) break;
      }
    } finally {
      over.abort();
      await connected.close();
    }
    return told;
  }

  async untilAsked(run: string, step: string): Promise<RunView> {
    return await this.until(run, `${step} asks`, (view) => stepOf(view, step).status === 'waiting');
  }

  /** The ticket as the application shows it. */
  ticket(id: string): Ticket {
    return JSON.parse(this.tickets('show', id).stdout) as Ticket;
  }

  /** The application's command line. */
  tickets(...args: string[]): { readonly code: number | null; readonly stdout: string; readonly stderr: string } {
    const env = { ...process.env, TICKET_DATA: this.data };
    const { status, stdout, stderr } = spawnSync(TICKETS, args, { encoding: 'utf8', env });
    return { code: status, stdout, stderr };
  }

  index(): void {
    execFileSync(TICKETS, ['index', this.repository], { env: { ...process.env, TICKET_DATA: this.data } });
  }

  #runOf(task: JsonObject): readonly [string, ...string[]] {
    return ['run', 'ticket', '--task', JSON.stringify(task), '--no-repo', ...this.#personas()];
  }

  #personas(): readonly string[] {
    return [...this.#before, PERSONAS].flatMap((folder) => ['--personas', folder]);
  }
}

export function stepOf(view: RunView, id: string): StepView {
  const found = view.steps.find((step) => step.id === id);
  if (found === undefined) throw new Error(`run ${view.id} has no step ${id}`);
  return found;
}

export const statusesOf = ({ steps }: RunView): Readonly<Record<string, string>> =>
  Object.fromEntries(steps.map(({ id, status }) => [id, status]));

function viewOf({ stdout, stderr, code }: Ended): RunView {
  try {
    return JSON.parse(stdout) as RunView;
  } catch {
    throw new Error(`ended with ${String(code)} and without a document: ${stderr}${stdout}`);
  }
}
