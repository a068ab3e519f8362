/**
 * The processes of a chaos run: coordinators and workers, each behind a proxy of its own and started again as soon as it is
 * gone. An end that nobody asked for is a crash, and is reported with what the process said.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, openSync, closeSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Proxy } from '../harness/proxy.js';
import type { Settings } from './programs/settings.js';
import type { Chance } from './random.js';

export type Role = 'coordinator' | 'worker';

export interface FailpointRates {
  /** Share of processes that get a kill armed, and the probability of it at each place passed. */
  readonly kill: { readonly share: number; readonly probability: number };
  readonly stall: { readonly share: number; readonly probability: number };
}

/** What is different for every process. */
type OwnSettings = Pick<
  Settings,
  | 'role'
  | 'slot'
  | 'socket'
  | 'seed'
  | 'knowsDead'
  | 'stateDir'
  | 'events'
  | 'effects'
  | 'attacks'
  | 'failpoints'
  | 'failpointLog'
>;

export interface CrewParams {
  readonly folder: string;
  /** Folder of the compiled programs. */
  readonly build: string;
  readonly upstream: { readonly socket: string; readonly directory: string };
  readonly count: Readonly<Record<Role, number>>;
  readonly settings: Omit<Settings, keyof OwnSettings>;
  readonly seed: number;
  readonly chance: Chance;
  readonly rates: FailpointRates;
  /** What only the environment of these processes holds; it must be found nowhere. */
  readonly secret: string;
}

export interface Crash {
  readonly slot: string;
  readonly how: string;
  readonly said: string;
}

export class Member {
  readonly slot: string;
  readonly role: Role;
  readonly proxy: Proxy;
  child: ChildProcess | null = null;
  frozen = false;
  /** Whether it has reached Redis since it was started: before, there is nothing to disturb. */
  up = false;
  /** What the harness did to it, so that its end is expected. */
  told: 'nothing' | 'kill' | 'end' = 'nothing';

  constructor(slot: string, role: Role, proxy: Proxy) {
    this.slot = slot;
    this.role = role;
    this.proxy = proxy;
  }

  get alive(): boolean {
    return this.child !== null && this.child.exitCode === null && this.child.signalCode === null;
  }
}

interface Spare {
  readonly child: ChildProcess;
  readonly log: string;
  readonly ended: boolean;
}

const SPARES = 2;
/** A build that cannot even start shall not be started for ever. */
const CRASHES_AT_MOST = 20;

export class Crew {
  readonly members: readonly Member[];
  readonly crashes: Crash[] = [];
  readonly logs: string;
  /** Ends by SIGKILL that came from inside: a failpoint, or a persona that kills its worker. */
  innerKills = 0;
  readonly #params: CrewParams;
  readonly #spares: Spare[] = [];
  #loaded = 0;
  #failpoints = true;
  #restarting = true;

  constructor(params: CrewParams) {
    this.#params = params;
    this.logs = join(params.folder, 'logs');
    mkdirSync(this.logs, { recursive: true });
    const roles = (['coordinator', 'worker'] as const).flatMap((role) =>
      Array.from({ length: params.count[role] }, (_, index) => [role, `${role}-${String(index + 1)}`] as const),
    );
    this.members = roles.map(([role, slot]) => new Member(slot, role, new Proxy(params.upstream, slot)));
    // Nothing outlives the harness; what is frozen would not notice.
    process.on('exit', () => this.#killAll());
  }

  get failpointLog(): string {
    return join(this.logs, 'failpoints');
  }

  async start(): Promise<void> {
    await Promise.all(this.members.map(({ proxy }) => proxy.open()));
    for (const member of this.members) this.#spawn(member);
  }

  /** Whether too many have crashed for anything more to be learned. */
  get hopeless(): boolean {
    return this.crashes.length >= CRASHES_AT_MOST;
  }

  /** Those that are at work. */
  at(role: Role): readonly Member[] {
    return this.members.filter((member) => member.role === role && member.up && member.alive && !member.frozen);
  }

  kill(member: Member): void {
    member.told = 'kill';
    member.child?.kill('SIGKILL');
  }

  /** SIGSTOP for a time. */
  freeze(member: Member, ms: number): void {
    const { child } = member;
    member.frozen = true;
    child?.kill('SIGSTOP');
    setTimeout(() => {
      child?.kill('SIGCONT');
      if (member.child === child) member.frozen = false;
    }, ms);
  }

  /** SIGTERM. */
  end(member: Member): void {
    member.told = 'end';
    member.up = false;
    member.child?.kill('SIGTERM');
  }

  /** Everybody anew, without failpoints. */
  async renew(): Promise<void> {
    await this.stop();
    this.#failpoints = false;
    this.#restarting = true;
    for (const member of this.members) this.#spawn(member);
  }

  /** A worker that comes and goes once more: it clears up behind those that died, as the next one always does. */
  async tidy(): Promise<void> {
    this.#failpoints = false;
    this.#restarting = true;
    const worker = this.members.find(({ role }) => role === 'worker');
    if (worker === undefined) return;
    this.#spawn(worker);
    while (!worker.up) await delay(20);
    await this.stop();
  }

  /** Ends everybody in order, and by force who is not gone in time. */
  async stop(): Promise<void> {
    this.#restarting = false;
    await Promise.all(this.members.map((member) => this.#endAndWait(member)));
  }

  async close(): Promise<void> {
    await this.stop();
    for (const { child } of this.#spares) child.kill('SIGKILL');
    await Promise.all(this.members.map(({ proxy }) => proxy.close()));
  }

  async #endAndWait(member: Member): Promise<void> {
    const { child } = member;
    if (child === null || !member.alive) return;
    const gone = new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
    });
    child.kill('SIGCONT');
    member.told = 'end';
    child.kill('SIGTERM');
    const force = setTimeout(() => {
      this.crashes.push({ slot: member.slot, how: 'did not end within 60 s of SIGTERM', said: '' });
      child.kill('SIGKILL');
    }, 60_000);
    await gone;
    clearTimeout(force);
  }

  #spawn(member: Member): void {
    const { settings, folder, seed, chance } = this.#params;
    const { slot, role, proxy } = member;
    const process = this.#spares.shift() ?? this.#load();
    // The one after it begins to load at once, so that the next death costs no time.
    if (this.#restarting) while (this.#spares.length < SPARES) this.#spares.push(this.#load());
    const all: Settings = {
      ...settings,
      // In the end nobody is struck any more, and a slow machine shall not look like a dead one.
      ...(!this.#failpoints && { leaseMs: settings.leaseMs * 3, heartbeatMs: settings.heartbeatMs * 3 }),
      role,
      slot,
      socket: proxy.socket,
      seed,
      // The last ones clear up what is left of all others.
      knowsDead: !this.#failpoints || chance.chance(0.75),
      stateDir: join(folder, 'state'),
      events: join(this.logs, `${slot}.events`),
      effects: join(folder, `effects-${slot}`),
      attacks: join(folder, `attacks-${slot}`),
      failpoints: this.#failpoints ? this.#drawFailpoints() : '',
      failpointLog: this.failpointLog,
    };
    const { child } = process;
    member.child = child;
    member.frozen = false;
    member.told = 'nothing';
    member.up = false;
    child.once('message', () => {
      member.up = true;
    });
    child.once('exit', (code, signal) => this.#gone(member, { code, signal, log: process.log }));
    if (process.ended) this.#gone(member, { code: child.exitCode, signal: child.signalCode, log: process.log });
    else child.send(all);
  }

  /** A process that has loaded everything and waits to be told who it is. */
  #load(): Spare {
    const { build, secret } = this.#params;
    const log = join(this.logs, `process-${String(++this.#loaded)}.log`);
    const out = openSync(log, 'a');
    const child = spawn(process.execPath, [join(build, 'test/chaos/programs/member.js')], {
      stdio: ['ignore', out, out, 'ipc'],
      env: { ...process.env, CHAOS_SECRET: secret },
    });
    closeSync(out);
    child.on('error', () => undefined);
    return {
      child,
      log,
      get ended() {
        return child.exitCode !== null || child.signalCode !== null;
      },
    };
  }

  #gone(
    member: Member,
    { code, signal, log }: { code: number | null; signal: NodeJS.Signals | null; log: string },
  ): void {
    if (signal === 'SIGKILL') {
      if (member.told !== 'kill') this.innerKills++;
    } else if (member.told !== 'end' || (code !== 0 && signal !== 'SIGTERM')) {
      // SIGTERM itself ends one that was told so soon that it had not listened yet.
      const said = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-12).join('\n');
      this.crashes.push({ slot: member.slot, how: `ended with ${signal ?? `code ${String(code)}`}`, said });
    }
    if (this.#restarting && !this.hopeless) this.#spawn(member);
  }

  #drawFailpoints(): string {
    const { chance, rates, settings } = this.#params;
    const drawn: string[] = [];
    const seed = (): string => String(chance.between(1, 1_000_000));
    if (chance.chance(rates.kill.share)) drawn.push(`random:${seed()}:${rates.kill.probability.toFixed(5)}:kill`);
    if (chance.chance(rates.stall.share)) {
      const ms = Math.round(settings.leaseMs * (1.2 + chance.next()));
      drawn.push(`random:${seed()}:${rates.stall.probability.toFixed(5)}:stall=${String(ms)}`);
    }
    return drawn.join(',');
  }

  #killAll(): void {
    for (const { child } of [...this.members, ...this.#spares]) child?.kill('SIGKILL');
  }
}
