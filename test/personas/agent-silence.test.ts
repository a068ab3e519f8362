/** An agent that prints nothing: told of, ended, gone on with once; and what heartbeats say of it meanwhile. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../src/core/clock.js';
import { Silence } from '../../src/personas/silence.js';
import { anAgent, claudeSays, FakeClis, fenced, runAgent } from './agent-scene.js';
import { aContext } from './requests.js';
import { Scene } from './worker-scene.js';

let clis: FakeClis;
beforeEach(() => {
  clis = new FakeClis();
});
afterEach(() => {
  clis.end();
});

const PASS = fenced({ status: 'pass' });
const INIT = `out({ type: 'system', subtype: 'init', session_id: 's-1', model: 'claude-x' });`;
const HANG = `fs.writeFileSync(${JSON.stringify('PID')}, String(process.pid)); setInterval(() => undefined, 1000);`;
const stall = { warnMs: 300, killMs: 900 };

function hangs(): string {
  return HANG.replace('"PID"', JSON.stringify(join(clis.folder, 'pid')));
}

const pidOf = (): number => Number(readFileSync(join(clis.folder, 'pid'), 'utf8'));

function attemptsOf({ stateDir }: Scene): { readonly files: readonly unknown[] } {
  const folder = join(stateDir, 'attempts');
  return { files: readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as unknown) };
}

function isGone(): boolean {
  try {
    return !process.kill(pidOf(), 0);
  } catch {
    return true;
  }
}

describe('silence', () => {
  it('is told of each time as much has passed, and ended, from the last word on', () => {
    const clock = new ManualClock();
    const said: string[] = [];
    const limits = { warnMs: 300_000, killMs: 900_000 };
    const on = { tell: (ms: number) => said.push(`silent ${String(ms / 60_000)}m`), end: () => said.push('end') };
    const silence = new Silence(clock, limits, on);
    clock.advance(299_000);
    silence.heard();
    clock.advance(299_000);
    expect(said).toEqual([]);
    clock.advance(1_000);
    expect(said).toEqual(['silent 5m']);
    clock.advance(300_000);
    clock.advance(299_000);
    expect(said).toEqual(['silent 5m', 'silent 10m']);
    clock.advance(1_000);
    expect(said).toEqual(['silent 5m', 'silent 10m', 'end']);
    clock.advance(10_000_000);
    expect(said).toHaveLength(3);
  });

  it('is no matter once it is over', () => {
    const clock = new ManualClock();
    let calls = 0;
    const count = (): void => void (calls += 1);
    const silence = new Silence(clock, { warnMs: 10, killMs: 20 }, { tell: count, end: count });
    silence.stop();
    clock.advance(100);
    expect(calls).toBe(0);
  });
});

describe('an agent that stalls', () => {
  it('is ended with all it has started, and gone on with once', async () => {
    const context = aContext();
    clis.write('claude', `${INIT} if (nth === 1) { ${hangs()} } else { ${claudeSays(PASS)} }`);
    expect(await runAgent({ stall }, { context })).toMatchObject({ status: 'pass', session: 's-1' });
    expect(isGone()).toBe(true);
    expect(context.lines).toContain('silent for 1s');
    expect(context.lines).toContain('stalled; going on in the same conversation');
    expect(clis.calls()[1]?.argv.join(' ')).toContain('--resume s-1');
    expect(clis.calls()[1]?.stdin).toMatch(/^You were silent for 1s and have been stopped/);
  });

  it('is given up when it stalls again', async () => {
    clis.write('claude', `${INIT} ${hangs()}`);
    const reply = await runAgent({ stall });
    expect(reply).toMatchObject({ status: 'error', session: 's-1', error: { class: 'TIMEOUT' } });
    expect(reply.error?.message).toBe('stalled: claude has printed nothing for 1s and was ended');
    expect(clis.calls()).toHaveLength(2);
    expect(isGone()).toBe(true);
  });

  it.each([
    ['has no conversation yet', 'claude', ''],
    ['cannot be gone on with', 'aider', 'say("Thinking");'],
  ] as const)('is given up at once when it %s', async (_, agent, before) => {
    clis.write(agent, `${before} ${hangs()}`);
    expect(await runAgent({ agent, stall })).toMatchObject({ error: { class: 'TIMEOUT' } });
    expect(clis.calls()).toHaveLength(1);
  });

  it('is no other that goes on to print', async () => {
    clis.write(
      'claude',
      `${INIT} let n = 0; const timer = setInterval(() => { out({ type: 'other' }); if (++n === 8) { clearInterval(timer); ${claudeSays(PASS)} } }, 150);`,
    );
    expect(await runAgent({ stall: { warnMs: 400, killMs: 800 } })).toMatchObject({ status: 'pass' });
  });
});

describe('heartbeats', () => {
  it('come while an agent is busy and silent, so that it is not taken for dead', async () => {
    const scene = new Scene();
    clis.write('claude', `${INIT} ${hangs()}`);
    let beats = 0;
    const beat = scene.store.requests.beat.bind(scene.store.requests);
    const { events } = scene.worker([anAgent()], {
      beatMs: 1_000,
      heartbeatMs: 5_000,
      limits: { graceMs: 0 },
      requests: {
        beat: async (key, want) => {
          beats += 1;
          return await beat(key, want);
        },
      },
    });
    await scene.ask();
    await events.next('begun');
    await until(() => !isGone());
    for (let second = 0; second < 20; second++) {
      scene.clock.advance(1_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(beats).toBeGreaterThanOrEqual(18);
    // Should the worker die now, the next one finds the agent by this and ends it.
    const { files } = attemptsOf(scene);
    expect(files).toEqual([expect.objectContaining({ group: expect.objectContaining({ pid: pidOf() }) as unknown })]);
    expect(events.types()).not.toContain('stopped');
    await scene.end();
  });

  it('end with the time it has, and what it has used until then is told', async () => {
    const scene = new Scene();
    clis.write(
      'claude',
      `${INIT} out({ type: 'assistant', session_id: 's-1', message: { id: 'm1', usage: { input_tokens: 7, output_tokens: 2 }, content: [] } }); ${hangs()}`,
    );
    const { events } = scene.worker([anAgent()], { limits: { graceMs: 0 } });
    await scene.ask({ timeoutMs: 10_000 });
    await events.next('begun');
    await until(() => !isGone());
    const replied = events.next('replied');
    const seconds = setInterval(() => scene.clock.advance(1_000), 5);
    await replied;
    clearInterval(seconds);
    const [reply] = await scene.replies();
    expect(reply).toMatchObject({
      error: { class: 'TIMEOUT' },
      session: 's-1',
      usage: { model: 'claude-x', inputTokens: 7, outputTokens: 2, turns: 1 },
    });
    await scene.end();
  });

  it('do not keep one alive that has hung: it is ended and its reply says so', async () => {
    const scene = new Scene();
    clis.write('claude', hangs());
    const { events } = scene.worker([anAgent({ stall: { warnMs: 60_000, killMs: 120_000 } })], {
      beatMs: 1_000,
      heartbeatMs: 5_000,
      limits: { graceMs: 0 },
    });
    await scene.ask();
    await events.next('begun');
    await until(() => !isGone());
    const replied = events.next('replied');
    const seconds = setInterval(() => scene.clock.advance(1_000), 1);
    expect(await replied).toMatchObject({ status: 'error' });
    clearInterval(seconds);
    const [reply] = await scene.replies();
    expect(reply?.error).toMatchObject({ class: 'TIMEOUT', message: expect.stringMatching(/^stalled/) as string });
    expect(isGone()).toBe(true);
    await scene.end();
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}
