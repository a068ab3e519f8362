import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import type { PersonaRequest } from '../../src/core/exchange.js';
import { AttemptFiles } from '../../src/personas/attempt-files.js';
import { functionPersona } from '../../src/personas/catalog.js';
import type { WorkerOptions } from '../../src/personas/host.js';
import { aRepository, gitIn } from './repositories.js';
import { aCommand, aFolder, script } from './requests.js';
import { type Crew, gate, Scene } from './worker-scene.js';

let scene: Scene;
let log: string;
beforeEach(() => {
  scene = new Scene();
  log = join(aFolder(), 'log');
  writeFileSync(log, '');
});
afterEach(async () => {
  await scene.end();
});

/** A worker of real programs. The code sees `step`, `attempt`, `say(line)` and `pass()`. */
function worker(code: string, change: Partial<WorkerOptions> = {}): Crew {
  const before = `const fs = require('fs'); const { COORD_STEP: step, COORD_ATTEMPT: attempt } = process.env;
    const say = (line) => fs.appendFileSync(${JSON.stringify(log)}, line + '\\n');
    const pass = () => { console.log('{"status":"pass"}'); process.exit(0); };`;
  const builder = aCommand(script(`${before}\n${code}`), { concurrency: 3 });
  return scene.worker([builder], { clock: systemClock, limits: { graceMs: 1_500 }, ...change });
}

const lines = (): readonly string[] => readFileSync(log, 'utf8').trimEnd().split('\n');

async function said(line: string): Promise<void> {
  while (!lines().includes(line)) await systemClock.sleep(5);
}

describe('what is canceled', () => {
  it('has ended before the program that undoes it starts', async () => {
    const { events } = worker(`
      say(step + ' started');
      if (step !== 'slow') pass();
      process.on('SIGTERM', () => setTimeout(() => { say('slow ended'); process.exit(1); }, 200));
      setInterval(() => {}, 1000);`);
    const slow = await scene.ask({ step: 'slow' });
    await said('slow started');
    await scene.supersede(slow);
    await scene.ask({ step: 'slow[compensate]/undo' });
    await events.next('replied', 'slow[compensate]/undo');
    expect(lines()).toEqual(['slow started', 'slow ended', 'slow[compensate]/undo started']);
  });

  it('leaves nothing in the commit of what follows', async () => {
    const { repo, base } = aRepository();
    const { events } = worker(`
      if (step === 'loser') {
        process.on('SIGTERM', () => setTimeout(() => process.exit(1), 300));
        setInterval(() => { fs.appendFileSync('noise', 'x'); }, 2);
        say('loser works');
      } else {
        fs.writeFileSync(step, step);
        setTimeout(pass, 100);
      }`);
    const workspace = { repo, base, branch: 'coord/demo-1', commit: base };
    const loser = await scene.ask({ step: 'loser', workspace });
    await said('loser works');
    await scene.ask({ step: 'winner', workspace });
    await events.next('replied', 'winner');
    const commit = gitIn(repo, 'rev-parse', 'coord/demo-1');
    await scene.supersede(loser);
    await scene.ask({ step: 'after', workspace: { ...workspace, commit } });
    await events.next('replied', 'after');
    expect(await scene.replies()).toMatchObject([{ status: 'pass' }, { status: 'pass' }]);
    expect(gitIn(repo, 'show', '--format=%P', '--name-only', 'coord/demo-1').split('\n')).toEqual([
      commit,
      '',
      'after',
    ]);
    // What it still wrote is not lost either.
    expect(gitIn(repo, 'for-each-ref', '--format=%(refname)')).toContain('refs/coord/demo-1/loser-1');
  });

  it('holds nobody up whose place is another', async () => {
    const { events } = worker(`
      say(step + ' started');
      if (step !== 'slow') pass();
      process.on('SIGTERM', () => say('slow was told'));
      setInterval(() => {}, 1000);`);
    const slow = await scene.ask({ step: 'slow' });
    await said('slow started');
    await scene.supersede(slow);
    await scene.ask({ step: 'after' });
    await said('slow was told');
    await scene.ask({ run: 'demo-2', step: 'elsewhere' });
    await events.next('replied', 'elsewhere');
    expect(lines()).not.toContain('after started');
    await events.next('replied', 'after');
  });

  it('is ended at once when its run has ended', async () => {
    const hold = gate();
    const { host, events } = scene.worker([functionPersona({ name: 'builder', run: hold.run, concurrency: 2 })]);
    const first = await scene.ask({ run: 'demo-1' });
    await scene.ask({ run: 'demo-2' });
    await events.next('begun');
    await events.next('begun');
    await scene.supersede(first);
    await host.ask('demo-2');
    await host.ask('demo-1');
    expect(await events.next('stopped')).toMatchObject({ key: { run: 'demo-1' }, reason: 'stop' });
    expect(hold.signals.map(({ aborted }) => aborted)).toEqual([true, false]);
  });
});

describe('what goes on', () => {
  it('is not waited for by other steps of the run', async () => {
    const hold = gate();
    const { events } = scene.worker([functionPersona({ name: 'builder', run: hold.run, concurrency: 3 })]);
    for (const step of ['one', 'two', 'three']) {
      await scene.ask({ step });
      await events.next('begun', step);
    }
    expect(hold.signals.some(({ aborted }) => aborted)).toBe(false);
  });

  it('is asked for no more often than it answers', async () => {
    const hold = gate();
    const answers: (() => void)[] = [];
    const beat = (): Promise<'ok'> => new Promise((resolve) => answers.push(() => resolve('ok')));
    const builder = functionPersona({ name: 'builder', run: hold.run, concurrency: 3 });
    const { host, events } = scene.worker([builder], { requests: { beat } });
    await scene.ask();
    await events.next('begun');
    const asked = Promise.all(Array.from({ length: 10 }, () => host.ask('demo-1')));
    while (answers.length === 0) await Promise.resolve();
    const later = host.ask('demo-1');
    answers.shift()?.();
    await asked;
    while (answers.length === 0) await Promise.resolve();
    answers.shift()?.();
    await later;
    expect(answers).toHaveLength(0);
  });
});

describe('a second attempt of a step', () => {
  const stubborn = `
    say(step + ' ' + attempt);
    if (attempt !== '1') pass();
    process.on('SIGTERM', () => {});
    setInterval(() => {}, 1000);`;

  /** Both attempts asked for, the second as soon as the first is told to end. */
  async function again(change: Partial<PersonaRequest>): Promise<void> {
    await scene.ask({ ...change, timeoutMs: 1_000 });
    const files = new AttemptFiles(scene.stateDir);
    while (!files.live('demo-1', null).some(({ ending }) => ending)) await systemClock.sleep(5);
    await scene.ask({ ...change, attempt: 2, timeoutMs: 1_000 });
  }

  it('has all of its time when the first timed out and does not want to end', async () => {
    const { repo, base } = aRepository();
    const { events } = worker(stubborn);
    await again({ workspace: { repo, base, branch: 'coord/demo-1', commit: base } });
    expect(await events.next('replied')).toMatchObject({ key: { attempt: 2 }, status: 'pass' });
    expect(lines()).toEqual(['build 1', 'build 2']);
    const order = events.all.flatMap((event) => ('key' in event ? [`${event.type} ${String(event.key.attempt)}`] : []));
    expect(order.indexOf('ended 1')).toBeLessThan(order.indexOf('begun 2'));
  });

  it('that waits is dropped when the worker stops, and costs nothing', async () => {
    // Long enough that the first is still there when the second waits, however busy the machine is.
    const { host, events } = worker(stubborn, { limits: { graceMs: 5_000 } });
    await again({});
    await events.next('taken');
    await events.next('taken');
    const stopping = host.stop();
    expect(await events.next('dropped')).toMatchObject({ key: { attempt: 2 }, reason: 'the worker stops' });
    await stopping;
    expect(lines()).toEqual(['build 1']);
  });
});
