/**
 * coord as people run it, in real processes with the settings that it comes with: a redis-server, `coord daemon`s and
 * `coord worker`s, which can be killed and started again. And what is seen of them from outside.
 */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { connect, parseWorkflow } from 'coord/client';
import { Keys } from '../dist/redis/keys.js';
import { LINE_BYTES } from './ledger-persona.mjs';

const PROGRAM = fileURLToPath(new URL('../bin/coord', import.meta.url));
const PERSONAS = fileURLToPath(new URL('ledger-persona.mjs', import.meta.url));
const GIVE_UP_MS = 60_000;

// So that what was started is ended too.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

/**
 * `personas`: name → { export, concurrency }, or { command, concurrency } where `command` gives the argv of a program when
 * it is told the file for its ends. `workMs`: how long an attempt of the persona `work` takes.
 */
export async function startCast({ personas, workMs = 0, fsync = 'everysec' }) {
  const folder = mkdtempSync(join(tmpdir(), 'coord-bench-'));
  const cast = new Cast({ folder, workMs, fsync });
  mkdirSync(join(folder, 'personas'));
  for (const [name, persona] of Object.entries(personas)) {
    const what =
      persona.command === undefined
        ? `kind: function\nmodule: ${PERSONAS}\nexport: ${persona.export}`
        : `kind: command\ncommand: ${JSON.stringify(persona.command(cast.ends))}\noutput: text`;
    const front = `${what}\nconcurrency: ${persona.concurrency}`;
    writeFileSync(join(folder, 'personas', `${name}.md`), `---\nname: ${name}\n${front}\n---\n`);
  }
  await cast.open();
  return cast;
}

class Cast {
  keys = new Keys('coord').partition(0);
  #folder;
  #env;
  #fsync;
  #server = null;
  #connected = null;
  #children = new Set();
  #started = 0;

  constructor({ folder, workMs, fsync }) {
    this.#folder = folder;
    this.#fsync = fsync;
    this.ledger = join(folder, 'ledger');
    this.ends = join(folder, 'ends');
    this.socket = join(folder, 'redis.sock');
    this.#env = { ...process.env, COORD_BENCH_LEDGER: this.ledger, COORD_BENCH_WORK_MS: String(workMs) };
    process.on('exit', this.#clear);
  }

  async open() {
    writeFileSync(this.ledger, '');
    this.startRedis();
    this.redis = this.observer();
    await this.redis.ping();
    this.#connected = await connect({ redis: `unix:${this.socket}` });
  }

  /** A connection of its own for looking, which is there again as soon as the server is. */
  observer() {
    const redis = new Redis(this.socket, {
      retryStrategy: () => 2,
      maxRetriesPerRequest: null,
      maxLoadingRetryTime: 2,
    });
    redis.on('error', () => undefined);
    return redis;
  }

  startRedis() {
    const durability = ['--appendonly', 'yes', '--appendfsync', this.#fsync, '--save', ''];
    const place = ['--port', '0', '--unixsocket', this.socket, '--dir', this.#folder];
    this.#server = this.#child('redis-server', [...place, ...durability]);
    return this.#server;
  }

  get client() {
    return this.#connected.client;
  }

  get server() {
    return this.#server;
  }

  /** Returns at once: `untilOwned` waits for it. */
  startCoordinator() {
    return this.#coord(['daemon']);
  }

  /** Returns at once: `untilServed` waits for it. */
  startWorker() {
    return this.#coord(['worker', '--personas', join(this.#folder, 'personas')]);
  }

  /** A real `coord watch`, of one run or of all; `line` is told each line of its screen as it comes. */
  startWatch(args, line) {
    const child = this.#coord(['watch', ...args], 'pipe');
    let rest = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop();
      for (const one of lines) line(one);
    });
    return child;
  }

  /** A program of the bench. */
  startNode(args) {
    return this.#child(process.execPath, args);
  }

  /** Until one of these coordinators owns the partition; returns it. */
  async untilOwned(coordinators) {
    return await until('an owner', async () => {
      const [owner] = await this.client.owners();
      return coordinators.find(({ pid }) => owner?.owner.startsWith(`${hostname()}:${pid}:`));
    });
  }

  /** Until the other coordinators are there, whether or not they own anything. */
  async untilStandingBy(coordinators) {
    for (const coordinator of coordinators)
      await until('a coordinator that stands by', () => output(coordinator).includes('coordinating on'));
    await sleep(500);
  }

  async untilServed(workers) {
    for (const { pid } of workers)
      await until('a worker', async () => (await this.client.workers()).some((worker) => worker.pid === pid));
  }

  /** Number of persona calls so far. */
  calls() {
    return Math.floor(statSync(this.ledger).size / LINE_BYTES);
  }

  /** Calls of the persona from the given number on. */
  readLedger(from = 0) {
    const lines = readFileSync(this.ledger, 'latin1').slice(from * LINE_BYTES);
    return lines
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const [run, step, attempt, pid, at] = line.trim().split(' ');
        return { run, step, attempt: Number(attempt), pid: Number(pid), at: Number(at) };
      });
  }

  count(status) {
    return this.redis.zcard(this.keys.runs(status));
  }

  /** Attempts that a worker has begun and not answered, at one moment. `worker` null: of all. */
  async held(worker = null) {
    const script = `
      local held = {}
      for _, run in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
        local fields = redis.call('HGETALL', ARGV[1] .. run)
        for index = 1, #fields, 2 do
          if string.sub(fields[index], 1, 2) == 'c:' then
            held[#held + 1] = { run, string.sub(fields[index], 3), cjson.decode(fields[index + 1]).worker }
          end
        end
      end
      return held`;
    const held = await this.redis.eval(script, 1, this.keys.runs('running'), this.keys.run(''));
    const prefix = worker === null ? '' : `${hostname()}:${worker.pid}:`;
    return held.filter(([, , by]) => by.startsWith(prefix)).map(([run, step]) => ({ run, step }));
  }

  /** Times of the commits of these runs by the store's clock, ascending; and of each kind of fact, of failures by class. */
  async commits(runs) {
    const at = new Set();
    const facts = new Map();
    for (let from = 0; from < runs.length; from += 500) {
      const pipeline = this.redis.pipeline();
      for (const run of runs.slice(from, from + 500)) pipeline.xrange(this.keys.history(run), '-', '+');
      for (const [, entries] of await pipeline.exec()) {
        for (const [id, fields] of entries) {
          at.add(timeOf(id));
          for (const { type, error } of factsOf(fields)) {
            const name = error === undefined ? type : `${type} ${error.class}`;
            if (facts.has(name)) facts.get(name).push(timeOf(id));
            else facts.set(name, [timeOf(id)]);
          }
        }
      }
    }
    return { at: [...at].toSorted((a, b) => a - b), timesOf: (name) => facts.get(name) ?? [] };
  }

  /** Kills and waits until it is gone, so that nothing it does is taken for the work of whoever comes next. */
  async kill(child, signal = 'SIGKILL') {
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
    return Date.now();
  }

  async close() {
    await this.#connected.close();
    this.redis.disconnect();
    this.#clear();
    process.off('exit', this.#clear);
  }

  #clear = () => {
    for (const child of this.#children) child.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  };

  #coord(args, stdout = 'log') {
    const where = ['--redis', `unix:${this.socket}`, '--directory', this.#folder];
    return this.#child(process.execPath, [...process.execArgv, PROGRAM, ...where, ...args], stdout);
  }

  #child(command, args, stdout = 'log') {
    const log = join(this.#folder, `${++this.#started}.log`);
    const file = openSync(log, 'a');
    const child = spawn(command, args, {
      stdio: ['ignore', stdout === 'log' ? file : stdout, file],
      cwd: this.#folder,
      env: this.#env,
    });
    closeSync(file);
    child.log = log;
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    return child;
  }
}

/** What a process has printed. */
export function output({ log }) {
  return readFileSync(log, 'utf8');
}

/** Asks until the answer is truthy, and returns it. */
export async function until(what, ask, { everyMs = 5, giveUpMs = GIVE_UP_MS } = {}) {
  for (const giveUpAt = Date.now() + giveUpMs; ; await sleep(everyMs)) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > giveUpAt) throw new Error(`waited ${giveUpMs / 1_000} s in vain for ${what}`);
  }
}

export function definitionOf(yaml) {
  const parsed = parseWorkflow(yaml, { file: 'bench.yml', personas: null });
  if (!parsed.ok) throw new Error(parsed.problems[0].message);
  return parsed.definition;
}

/** Steps one after the other, all asked of the persona `work`. */
export function chain(steps, more = '') {
  const lines = Array.from(
    { length: steps },
    (_, index) =>
      `  - { id: s${index}, persona: work${more}${index === 0 ? '' : `, dependencies: [s${index - 1}]`} }\n`,
  );
  return definitionOf(`name: chain\nsteps:\n${lines.join('')}`);
}

/** The store's time in the id of a stream's entry, ms. */
export function timeOf(id) {
  return Number(id.slice(0, id.indexOf('-')));
}

/** The facts in an entry of a history or a feed, whether it holds one or a list. */
export function factsOf(fields) {
  for (let index = 0; index < fields.length; index += 2) {
    if (fields[index] === 'fact') return [JSON.parse(fields[index + 1])];
    if (fields[index] === 'facts') return JSON.parse(fields[index + 1]);
  }
  return [];
}
