import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import { CoordError } from '../../src/core/errors.js';
import { Failpoints } from '../../src/core/failpoints.js';
import { ARTIFACT_LIMIT_BYTES, personaReplySchema } from '../../src/core/exchange.js';
import type { RequestPort } from '../../src/core/request-port.js';
import { type AttemptFile, AttemptFiles } from '../../src/personas/attempt-files.js';
import { functionPersona } from '../../src/personas/catalog.js';
import { aRepository, gitIn } from './repositories.js';
import { aCommand, script } from './requests.js';
import { gate, Scene } from './worker-scene.js';

let scene: Scene;
beforeEach(() => {
  scene = new Scene();
});
afterEach(async () => {
  await scene.end();
});

const passing = functionPersona({ name: 'builder', run: () => ({ status: 'pass', result: 7 }) });

/** Lets everything that can go on without time go on. */
async function settle(): Promise<void> {
  for (let round = 0; round < 20; round++) await new Promise((resolve) => setImmediate(resolve));
}

describe('a worker', () => {
  it('takes, begins, runs and replies, and says that it is there', async () => {
    const { host, events } = scene.worker([passing]);
    await events.next('joined');
    await scene.ask();
    await events.next('ended');
    expect(events.types()).toEqual(['joined', 'taken', 'begun', 'replied', 'ended']);
    expect(await scene.replies()).toEqual([{ status: 'pass', result: 7, artifacts: [], error: null, commit: null }]);
    expect(await scene.store.namespace.listWorkers()).toMatchObject([
      { worker: 'worker-1', personas: ['builder'], busy: 0 },
    ]);
    await host.stop();
    expect(await scene.store.namespace.listWorkers()).toEqual([]);
  });

  it('takes what was asked before it came', async () => {
    await scene.ask();
    const { events } = scene.worker([passing]);
    expect(await events.next('replied')).toMatchObject({ status: 'pass', outcome: 'ok' });
  });

  it('says for a worker that died here that its attempt is lost, instead of waiting for its heartbeat', async () => {
    const { run, step, attempt, token, persona } = await scene.ask();
    const dead = { run, step, attempt, token, worker: 'dead' };
    const want = { partition: 0, worker: 'dead', personas: [persona], limit: 1, total: 1, recover: false, waitMs: 0 };
    const [delivery] = await scene.store.requests.take({ ...want, signal: new AbortController().signal });
    const entry = { persona, entry: delivery?.entry ?? '', heartbeatMs: 15_000, timeoutMs: null };
    expect(await scene.store.requests.begin({ ...dead, partition: 0 }, entry)).toBe('go');
    new AttemptFiles(scene.stateDir).open(dead);
    const [file = ''] = readdirSync(join(scene.stateDir, 'attempts'));
    const path = join(scene.stateDir, 'attempts', file);
    const record = JSON.parse(readFileSync(path, 'utf8')) as AttemptFile;
    writeFileSync(
      path,
      JSON.stringify({ ...record, worker: { id: 'dead', process: { pid: 2 ** 22 + 1, startTime: '1' } } }),
    );
    const { events } = scene.worker([passing]);
    expect(await events.next('reaped')).toMatchObject({ run, step, attempt });
    await events.next('joined');
    expect(await scene.replies()).toMatchObject([
      { status: 'error', error: { class: 'WORKER_LOST', message: 'worker dead died while it worked' } },
    ]);
  });

  it('stores artifacts before it names them', async () => {
    const run = (): unknown => ({ status: 'pass', artifacts: [{ name: 'plan.md', content: '# Plan' }] });
    const { events } = scene.worker([functionPersona({ name: 'builder', run })]);
    await scene.ask();
    await events.next('replied');
    const [reply] = await scene.replies();
    expect(personaReplySchema.parse(reply).artifacts).toMatchObject([
      { name: 'plan.md', size: 6, type: 'text/markdown' },
    ]);
    const content = await scene.store.artifacts.get(0, reply?.artifacts[0]?.sha256 ?? '');
    expect(Buffer.from(content ?? []).toString()).toBe('# Plan');
  });

  it.each([
    [
      'an artifact',
      () => ({ status: 'pass', artifacts: [{ name: 'big', content: 'x'.repeat(ARTIFACT_LIMIT_BYTES + 1) }] }),
      /artifact "big" is larger than/,
    ],
    [
      'a result',
      () => ({ status: 'pass', result: 'x'.repeat(300_000) }),
      /the reply has \d+ bytes; the limit is 262144/,
    ],
  ])('turns %s over the limit into an invalid reply', async (_, run, message) => {
    const { events } = scene.worker([functionPersona({ name: 'builder', run })]);
    await scene.ask();
    await events.next('replied');
    const [reply] = await scene.replies();
    expect(reply).toMatchObject({ status: 'error', error: { class: 'INVALID_REPLY' }, artifacts: [] });
    expect(reply?.error?.message).toMatch(message);
  });

  it.each([
    ['not JSON', 'x', /is not JSON/],
    ['not a request', '{"protocol":1}', /does not follow the protocol: run/],
    ['another protocol', JSON.stringify({ protocol: 0 }), /protocol: /],
  ])('refuses %s and goes on', async (_, body, reason) => {
    const { events } = scene.worker([passing]);
    await scene.ask({ step: 'bad' }, body);
    expect((await events.next('refused')).reason).toMatch(reason);
    expect(await scene.store.runs.deadLetters(0, 10)).toHaveLength(1);
    await scene.ask({ step: 'good' });
    await events.next('replied', 'good');
  });

  it('drops what is not current any more', async () => {
    const request = await scene.ask();
    await scene.supersede(request);
    const { events, host } = scene.worker([passing]);
    expect(await events.next('dropped')).toMatchObject({ reason: 'superseded' });
    await settle();
    expect(host.busy).toBe(0);
  });

  it('reports a reply that came too late', async () => {
    const hold = gate();
    const { events } = scene.worker([functionPersona({ name: 'builder', run: hold.run })]);
    const request = await scene.ask();
    await events.next('begun');
    await scene.supersede(request);
    hold.release();
    expect(await events.next('stale')).toMatchObject({ status: 'pass' });
    expect(await scene.replies()).toEqual([]);
  });
});

describe('places', () => {
  it('are never exceeded, and a busy worker leaves requests to an idle one', async () => {
    const hold = gate();
    const other = gate();
    const first = scene.worker([functionPersona({ name: 'builder', run: hold.run })]);
    await scene.ask({ step: 'one' });
    await first.events.next('begun', 'one');
    await scene.ask({ step: 'two' });
    await scene.ask({ step: 'three' });
    await settle();
    expect(hold.called).toEqual(['one']);
    expect(first.events.types().filter((type) => type === 'taken')).toHaveLength(1);
    const second = scene.worker([functionPersona({ name: 'builder', run: other.run })]);
    await second.events.next('begun', 'two');
    await settle();
    expect(other.called).toEqual(['two']);
    hold.release();
    await first.events.next('begun', 'three');
  });

  it('are filled up to the concurrency of the persona and of the worker', async () => {
    const hold = gate();
    const builder = functionPersona({ name: 'builder', run: hold.run, concurrency: 3 });
    const reviewer = functionPersona({ name: 'reviewer', run: hold.run, concurrency: 3 });
    scene.worker([builder, reviewer], { concurrency: 4 });
    for (const step of ['a', 'b', 'c', 'd']) await scene.ask({ step });
    for (const step of ['e', 'f', 'g', 'h']) await scene.ask({ step, persona: 'reviewer' });
    await settle();
    expect(hold.called).toHaveLength(4);
    hold.release();
    await settle();
    expect(hold.called).toHaveLength(5);
  });

  it('that become free end a wait that does not offer them', async () => {
    const hold = gate();
    const builder = functionPersona({ name: 'builder', run: hold.run });
    const { events } = scene.worker([builder, functionPersona({ name: 'reviewer', run: hold.run })]);
    await scene.ask({ step: 'one' });
    await events.next('begun', 'one');
    await scene.ask({ step: 'two' });
    await settle();
    expect(events.all.findLast(({ type }) => type === 'waiting')).toMatchObject({ personas: ['reviewer'] });
    hold.release();
    await events.next('begun', 'two');
  });

  it('go round between partitions', async () => {
    await scene.end();
    scene = new Scene(3);
    const hold = gate();
    const { events } = scene.worker([functionPersona({ name: 'builder', run: hold.run })]);
    const runs = ['a-1', 'b-2', 'c-3', 'd-4', 'e-5', 'f-6'];
    for (const run of runs) await scene.ask({ run });
    for (let done = 0; done < runs.length; done++) {
      await settle();
      expect(hold.called).toHaveLength(done + 1);
      hold.release();
    }
    const replied = [];
    for (const _ of runs) replied.push((await events.next('replied')).key.run);
    expect(replied.toSorted()).toEqual(runs);
  });

  it('are kept for nobody while several partitions are waited for, and nothing is asked in vain meanwhile', async () => {
    await scene.end();
    scene = new Scene(4);
    const hold = gate();
    const personas = ['builder', 'reviewer', 'tester'].map((name) => functionPersona({ name, run: hold.run }));
    let asked = 0;
    const take: RequestPort['take'] = async (want) => {
      asked++;
      return scene.store.requests.take(want);
    };
    const { events } = scene.worker(personas, { requests: { take } });
    await settle();
    const before = asked;
    expect(events.all.filter(({ type }) => type === 'waiting')).toHaveLength(4);
    await settle();
    expect(asked).toBe(before);
    const runs = ['a-1', 'b-2', 'c-3', 'd-4'];
    for (const [index, run] of runs.entries())
      await scene.ask({ run, step: run, persona: personas[index % 3]?.name ?? '' });
    await settle();
    // The fourth asks the persona of the first.
    expect(hold.called.toSorted()).toEqual(runs.slice(0, 3));
    expect(asked).toBeLessThan(before + 30);
    for (const _ of hold.called) hold.release();
    await events.next('begun', 'd-4');
  });
});

describe('a claim', () => {
  it('is kept alive with progress', async () => {
    const hold = gate();
    const { events } = scene.worker([
      functionPersona({
        name: 'builder',
        run: (request, context) => {
          context.progress('\u001b[1mreading\u001b[0m files');
          return hold.run(request, context);
        },
      }),
    ]);
    await scene.ask();
    await events.next('begun');
    for (let beats = 0; beats < 20; beats++) {
      scene.clock.advance(2_000);
      await settle();
    }
    const stored = await scene.store.runs.load(0, 'demo-1');
    expect(stored?.claims.get('build')).toMatchObject({ worker: 'worker-1', progress: 'reading files' });
    hold.release();
    expect(await events.next('replied')).toMatchObject({ outcome: 'ok' });
  });

  it('tells progress to whoever watches without any time passing, and the last of it before the reply', async () => {
    const hold = gate();
    let say: (line: string) => void = () => undefined;
    const { events } = scene.worker([
      functionPersona({
        name: 'builder',
        run: (request, context) => {
          say = (line) => context.progress(line);
          return hold.run(request, context);
        },
      }),
    ]);
    await scene.ask();
    await events.next('begun');
    const told = async (): Promise<readonly string[]> => {
      await settle();
      const entries = await scene.store.runs.feed({
        partition: 0,
        after: '0',
        limit: 100,
        waitMs: 0,
        signal: new AbortController().signal,
      });
      const all = entries.flatMap((entry) => JSON.parse(entry.facts) as { type: string; progress: string }[]);
      return all.filter(({ type }) => type === 'step.progress').map(({ progress }) => progress);
    };
    expect(await told()).toEqual([]);
    say('reading');
    expect(await told()).toEqual(['reading']);
    say('writing');
    say('testing');
    expect(await told()).toEqual(['reading']);
    hold.release();
    await events.next('replied');
    expect(await told()).toEqual(['reading', 'testing']);
  });

  it('that is taken away ends the attempt, without a reply', async () => {
    const hold = gate();
    const { events } = scene.worker([functionPersona({ name: 'builder', run: hold.run })]);
    const request = await scene.ask();
    await events.next('begun');
    await scene.supersede(request);
    await settle();
    scene.clock.advance(2_000);
    expect(await events.next('stopped')).toMatchObject({ reason: 'stop' });
    expect(hold.signals[0]?.aborted).toBe(true);
    await events.next('ended');
    expect(events.types()).not.toContain('stale');
  });

  it.each([
    ['fail', () => Promise.reject(new CoordError('REDIS_UNREACHABLE', 'down'))],
    ['hang', () => new Promise<'ok'>(() => undefined)],
  ])('is given up when heartbeats %s for too long', async (_, beat) => {
    const hold = gate();
    const { events } = scene.worker([functionPersona({ name: 'builder', run: hold.run })], { requests: { beat } });
    await scene.ask();
    await events.next('begun');
    for (let time = 0; time < 14_000; time += 2_000) {
      scene.clock.advance(2_000);
      await settle();
    }
    expect(hold.signals[0]?.aborted).toBe(false);
    scene.clock.advance(2_000);
    expect(await events.next('stopped')).toMatchObject({ reason: 'lost' });
    await events.next('ended');
    expect(await scene.replies()).toEqual([]);
  });

  it('does not wait for the heartbeats of others', async () => {
    const hold = gate();
    const beaten: string[] = [];
    const beat = (key: { step: string }): Promise<'ok'> => {
      beaten.push(key.step);
      return key.step === 'one' ? new Promise(() => undefined) : Promise.resolve('ok');
    };
    const builder = functionPersona({ name: 'builder', run: hold.run, concurrency: 2 });
    const { events } = scene.worker([builder], { requests: { beat } });
    await scene.ask({ step: 'one' });
    await scene.ask({ step: 'two' });
    await events.next('begun', 'one');
    await events.next('begun', 'two');
    await settle();
    for (let beats = 0; beats < 3; beats++) {
      scene.clock.advance(2_000);
      await settle();
    }
    expect(beaten.filter((step) => step === 'two')).toHaveLength(3);
  });
});

describe('an attempt', () => {
  it('ends at its timeout', async () => {
    const hold = gate();
    const { events } = scene.worker([functionPersona({ name: 'builder', run: hold.run })]);
    await scene.ask({ timeoutMs: 1_500 });
    await events.next('begun');
    await settle();
    scene.clock.advance(1_500);
    await events.next('replied');
    expect(await scene.replies()).toMatchObject([
      { status: 'error', error: { class: 'TIMEOUT', message: 'not done after 1500 ms, the limit of one attempt' } },
    ]);
    expect(hold.signals[0]?.aborted).toBe(true);
  });

  it('is run once when the outcome of begin and reply is not known', async () => {
    const calls = { begin: 0, reply: 0, run: 0 };
    const requests = scene.store.requests;
    const run = (): unknown => {
      calls.run += 1;
      return { status: 'pass' };
    };
    // Applied, but the answer is lost.
    const { events } = scene.worker([functionPersona({ name: 'builder', run })], {
      requests: {
        begin: async (...args) => {
          const answer = await requests.begin(...args);
          if (++calls.begin === 1) throw new CoordError('OUTCOME_UNKNOWN', 'cut');
          return answer;
        },
        reply: async (...args) => {
          const answer = await requests.reply(...args);
          if (++calls.reply < 3) throw new CoordError('OUTCOME_UNKNOWN', 'cut');
          return answer;
        },
      },
    });
    await scene.ask();
    await events.next('trouble');
    await settle();
    scene.clock.advance(100);
    await events.next('begun');
    for (const wait of [100, 200]) {
      await events.next('trouble');
      await settle();
      scene.clock.advance(wait);
    }
    expect(await events.next('replied')).toMatchObject({ outcome: 'repeated' });
    expect(calls).toEqual({ begin: 2, reply: 3, run: 1 });
    expect(await scene.replies()).toHaveLength(1);
  });

  it('that cannot be begun keeps no other from being taken', async () => {
    await scene.ask({ step: 'bad' });
    const who = { partition: 0, worker: 'worker-1', personas: ['builder'] };
    const want = { ...who, limit: 1, total: 1, recover: false, waitMs: 0, signal: AbortSignal.abort() };
    // What this worker was sent before it is recovered first.
    expect(await scene.store.requests.take(want)).toHaveLength(1);
    let tried = 0;
    const { events } = scene.worker([passing], {
      requests: {
        begin: async (key, entry) => {
          if (key.step !== 'bad') return scene.store.requests.begin(key, entry);
          tried++;
          throw new CoordError('REDIS_SCRIPT', 'its records are broken');
        },
      },
    });
    await events.next('trouble');
    await scene.ask({ step: 'good' });
    await events.next('replied', 'good');
    expect(tried).toBe(1);
  });

  it('is not run twice when it is delivered twice', async () => {
    const hold = gate();
    const builder = functionPersona({ name: 'builder', run: hold.run, concurrency: 5 });
    const { events, host } = scene.worker([builder]);
    const request = await scene.ask();
    await events.next('begun');
    await scene.ask({ token: request.token });
    expect(await events.next('dropped')).toMatchObject({ reason: 'in hand already' });
    expect(hold.called).toHaveLength(1);
    expect(host.busy).toBe(1);
  });

  it('that another worker took and never began is claimed', async () => {
    const signal = new AbortController().signal;
    await scene.ask();
    const want = { partition: 0, worker: 'dead', personas: ['builder'], limit: 1, total: 1, recover: false, waitMs: 0 };
    expect(await scene.store.requests.take({ ...want, signal })).toHaveLength(1);
    const { events } = scene.worker([passing]);
    await events.next('joined');
    for (let time = 0; time < 15_000; time += 5_000) {
      await settle();
      scene.clock.advance(5_000);
    }
    await events.next('replied');
  });

  it('goes on after a read that failed with what the read had delivered', async () => {
    const requests = scene.store.requests;
    let failed = false;
    const { events } = scene.worker([passing], {
      requests: {
        take: async (want) => {
          const taken = await requests.take(want);
          if (failed || taken.length === 0) return taken;
          failed = true;
          throw new CoordError('REDIS_UNREACHABLE', 'cut');
        },
      },
    });
    await scene.ask();
    await events.next('trouble');
    await settle();
    scene.clock.advance(500);
    expect(await events.next('replied')).toMatchObject({ outcome: 'ok' });
  });

  it('that dies at a failpoint says nothing, and its place is free again', async () => {
    const { events } = scene.worker([passing], { failpoints: new Failpoints('worker.replying:1:throw', undefined) });
    await scene.ask({ step: 'one' });
    await events.next('ended', 'one');
    expect(await scene.replies()).toEqual([]);
    await scene.ask({ step: 'two' });
    await events.next('replied', 'two');
  });
});

describe('stopping', () => {
  it('lets running attempts finish', async () => {
    const hold = gate();
    const { host, events } = scene.worker([functionPersona({ name: 'builder', run: hold.run })]);
    await scene.ask({ step: 'one' });
    await events.next('begun');
    await scene.ask({ step: 'two' });
    const stopping = host.stop();
    await settle();
    hold.release();
    await stopping;
    expect(await scene.replies()).toMatchObject([{ status: 'pass' }]);
    expect(hold.called).toEqual(['one']);
  });

  it.each(['the grace time', 'a second stop'])(
    'ends them after %s, so that they are tried again at once',
    async (how) => {
      const hold = gate();
      const { host, events } = scene.worker([functionPersona({ name: 'builder', run: hold.run })], { graceMs: 3_000 });
      await scene.ask();
      await events.next('begun');
      const stopping = host.stop();
      await settle();
      expect(hold.signals[0]?.aborted).toBe(false);
      if (how === 'a second stop') void host.stop();
      else scene.clock.advance(3_000);
      await stopping;
      expect(await scene.replies()).toMatchObject([
        { status: 'error', error: { class: 'WORKER_LOST', message: 'the worker was stopped' } },
      ]);
    },
  );

  it('ends also while the store does not answer', async () => {
    const reply = (): Promise<never> => Promise.reject(new CoordError('REDIS_UNREACHABLE', 'down'));
    const { host, events } = scene.worker([passing], { requests: { reply } });
    await scene.ask();
    await events.next('trouble');
    const stopping = Promise.all([host.stop(), host.stop()]);
    for (let time = 0; time < 30; time++) {
      await settle();
      scene.clock.advance(1_000);
    }
    await stopping;
    expect(events.types()).not.toContain('replied');
  });

  it('may come before the start, and twice', async () => {
    const { host } = scene.worker([passing]);
    await Promise.all([host.stop(), host.stop(), host.stop()]);
    await host.stop();
    expect(host.busy).toBe(0);
  });
});

describe('a worker with real processes', () => {
  it('commits the work of a command, and stores its log', async () => {
    const { repo, base } = aRepository();
    const code = `require('fs').writeFileSync('done.txt', 'x'); console.error('working'); console.log('{"status":"pass"}')`;
    const { events } = scene.worker([aCommand(script(code))], { clock: systemClock });
    await scene.ask({ workspace: { repo, base, branch: 'coord/demo-1', commit: base } });
    await events.next('replied');
    const [reply] = await scene.replies();
    expect(reply?.commit).toBe(gitIn(repo, 'rev-parse', 'coord/demo-1'));
    expect(gitIn(repo, 'show', '--format=', '--name-only', 'coord/demo-1')).toBe('done.txt');
    expect(reply?.artifacts.map(({ name }) => name)).toEqual(['build.1.log']);
    await events.next('ended');
    expect(readdirSync(join(scene.stateDir, 'attempts'))).toEqual([]);
  });

  it('says what is wrong with a workspace', async () => {
    const { repo, base } = aRepository();
    const { events } = scene.worker([aCommand(['true'])], { clock: systemClock });
    await scene.ask({ workspace: { repo, base, branch: 'main', commit: base } });
    await events.next('replied');
    expect((await scene.replies())[0]?.error).toMatchObject({
      class: 'PERSONA_ERROR',
      message: expect.stringMatching(/branch "main" exists already/) as unknown,
    });
  });

  it('kills a command whose claim is gone', async () => {
    const file = join(scene.stateDir, 'pid');
    const code = `process.on('SIGTERM', () => {}); require('fs').writeFileSync(${JSON.stringify(file)}, String(process.pid)); console.error('up'); setInterval(() => {}, 1000)`;
    const { events } = scene.worker([aCommand(script(code))], {
      clock: systemClock,
      beatMs: 50,
      limits: { graceMs: 100 },
    });
    const request = await scene.ask();
    await events.next('begun');
    while (!existsSync(file)) await systemClock.sleep(10);
    await scene.supersede(request);
    expect(await events.next('stopped')).toMatchObject({ reason: 'stop' });
    const pid = Number(readFileSync(file, 'utf8'));
    expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
    await events.next('ended');
  });
});
