/**
 * What a scenario is played on: a build's client and coordinator, and workers that are played by hand at its ports, so
 * that a scenario can stop between any two moments. Names are given, not taken from the machine.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const LONG_MS = 60 * 60 * 1_000;
const WAIT_MS = 5_000;

export const pass = (result = null, more = {}) => ({
  status: 'pass',
  result,
  artifacts: [],
  error: null,
  commit: null,
  ...more,
});
export const fail = (message, result = null) => ({
  ...pass(result, { status: 'fail' }),
  error: { class: 'REJECTED', message },
});
export const error = (message) => ({ ...pass(null, { status: 'error' }), error: { class: 'PERSONA_ERROR', message } });

export class Stage {
  #means;
  #scenario;
  #runs = new Map();
  #coordinator = null;
  #folder = mkdtempSync(join(tmpdir(), 'coord-corpus-'));

  static async open({ build, address, namespace, scenario, redis }) {
    const means = { clock: build.systemClock, ids: build.countedIds('nonce-') };
    const store = await build.openRedisStore({ address, namespace, ...means, failpoints: build.noFailpoints });
    const { partitions } = await store.namespace.open(scenario.partitions ?? null);
    const client = new build.Client({ store, partitions, ...means });
    return new Stage({ ...means, build, store, partitions, client, redis, namespace }, scenario);
  }

  constructor(means, scenario) {
    this.#means = means;
    this.#scenario = scenario;
    mkdirSync(this.#folder, { recursive: true });
    for (const [name, text] of Object.entries(scenario.workflows))
      writeFileSync(join(this.#folder, `${name}.yml`), text.includes('name: ') ? text : `name: ${name}\n${text}`);
  }

  get client() {
    return this.#means.client;
  }

  /** For what only an engine does: acquiring, counting, setting aside. */
  get store() {
    return this.#means.store;
  }

  /** For what nobody does who means well. */
  get redis() {
    return this.#means.redis;
  }

  /** The run goes on with another workflow. */
  async migrate(key, workflow) {
    const { build, ...means } = this.#means;
    const to = await this.#load(workflow);
    await new build.Operator(means).migrate(this.run(key), { to, by: 'ana' });
    await this.quiet();
  }

  /** Somebody steers the run. */
  async steer(key, request) {
    const { build, ...means } = this.#means;
    await new build.Operator(means).steer(this.run(key), request);
    await this.quiet();
  }

  /** Another run begins where this one stood before a step. */
  async fork(key, source, request) {
    const { build, ...means } = this.#means;
    const { run } = await new build.Operator(means).fork(this.run(source), { ...request, idempotencyKey: key });
    this.#runs.set(key, run);
    await this.quiet();
  }

  async #load(workflow) {
    return this.#means.build.loadWorkflow(workflow, { directories: [this.#folder], personas: null });
  }

  /** Starts a run under a name by which the scenario calls it from then on, which is also its idempotency key. */
  async start(key, { workflow = Object.keys(this.#scenario.workflows)[0], task = {}, workspace = null } = {}) {
    const { definition, inner } = await this.#load(workflow);
    const { run } = await this.client.start({ definition, inner, task, workspace, idempotencyKey: key });
    this.#runs.set(key, run);
    await this.quiet();
    return run;
  }

  run(key) {
    return this.#runs.get(key);
  }

  /** Names a run that another one has begun. */
  async name(key, outer, step) {
    const view = await this.client.get(this.run(outer));
    this.#runs.set(key, view.steps.find(({ id }) => id === step).run);
  }

  async coordinate(name = 'coordinator-1') {
    const { build, store, partitions, clock, ids } = this.#means;
    const report = () => undefined;
    this.#coordinator = new build.Coordinator({ store, partitions, clock, ids, name, report });
    this.#coordinator.start();
    await this.quiet();
  }

  /** The coordinator goes and gives its partitions up. */
  async rest() {
    await this.#coordinator?.stop();
    this.#coordinator = null;
  }

  /** Waits until a coordinator has nothing left to do. */
  async quiet() {
    const { redis, namespace, partitions } = this.#means;
    for (let patience = 1_000; this.#coordinator !== null; patience--) {
      let left = 0;
      for (let at = 0; at < partitions; at++) left += await redis.xlen(`{${namespace}:${at}}:inbox`);
      if (left === 0) return;
      if (patience === 0) throw new Error('the coordinator does not come to rest');
      await sleep(5);
    }
  }

  /** The oldest request of a persona, as delivered to a worker. */
  async take(persona, { worker = 'worker-1', partition = 0 } = {}) {
    const who = { partition, worker, personas: [persona] };
    await this.store.requests.join(who);
    const signal = new AbortController().signal;
    const want = { ...who, limit: 1, total: 1, recover: false, waitMs: WAIT_MS, signal };
    const [delivery] = await this.store.requests.take(want);
    if (delivery === undefined) throw new Error(`nobody asks ${persona}`);
    return { delivery, worker };
  }

  /** Takes the oldest request of a persona in hand. */
  async begin(persona, options = {}) {
    const { delivery, worker } = await this.take(persona, options);
    const { run, step, attempt, token, timeoutMs } = JSON.parse(delivery.body);
    const key = { partition: delivery.partition, run, step, attempt, token, worker };
    const entry = { persona, entry: delivery.entry, heartbeatMs: LONG_MS, timeoutMs };
    const answer = await this.store.requests.begin(key, entry);
    if (answer !== 'go') throw new Error(`${step}: ${answer}`);
    return key;
  }

  async beat(key, progress) {
    await this.store.requests.beat(key, { heartbeatMs: LONG_MS, progress });
  }

  async reply(key, reply) {
    const answer = await this.store.requests.reply(key, { body: JSON.stringify(reply) });
    if (answer !== 'ok') throw new Error(`${key.step}: ${answer}`);
    await this.quiet();
  }

  /** One request from beginning to end. */
  async work(persona, reply = pass(), options = {}) {
    await this.reply(await this.begin(persona, options), reply);
  }

  /** What readers see at the end. */
  async end() {
    await this.rest();
    const { store, partitions } = this.#means;
    const runs = {};
    for (const [key, run] of this.#runs) runs[key] = { run, view: await this.client.get(run) };
    await store.close();
    rmSync(this.#folder, { recursive: true, force: true });
    return { partitions, runs };
  }
}
