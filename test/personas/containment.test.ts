/** What a persona's processes may do at most: memory, processor time, files, output; and that none of them is left. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import { CommandRunner } from '../../src/personas/command.js';
import { NO_LIMITS, type ProcessLimits, parseSize } from '../../src/personas/limits.js';
import type { CommandPersona } from '../../src/personas/persona.js';
import type { RawReply } from '../../src/personas/runner.js';
import { aCommand, aContext, aFolder, aRequest, script, type TestContext } from './requests.js';

const onLinux = process.platform === 'linux';
const PASS = `console.log(JSON.stringify({ status: 'pass' }));`;

async function run(
  command: readonly string[],
  want: { limits?: Partial<ProcessLimits>; persona?: Partial<CommandPersona>; context?: TestContext } = {},
): Promise<RawReply> {
  const persona = aCommand(command, { limits: { ...NO_LIMITS, ...want.limits }, ...want.persona });
  const runner = new CommandRunner(persona, { clock: systemClock, limits: { graceMs: 200 } });
  return await runner.run(aRequest(), want.context ?? aContext());
}

/** Processes whose environment holds the attempt's mark. */
function marked(context: TestContext): readonly string[] {
  const found = execFileSync('sh', ['-c', `grep -lszF 'COORD_TOKEN=${context.token}' /proc/[0-9]*/environ || true`]);
  return found
    .toString()
    .split('\n')
    .filter((line) => line !== '');
}

describe.runIf(onLinux)('limits', () => {
  it('let a program be that keeps to them', async () => {
    const limits = { memory: 2 * 1024 ** 3, cpu: 60, file: 1024 ** 2, output: 100_000 };
    expect(await run(script(PASS), { limits })).toMatchObject({ status: 'pass' });
  });

  it('of memory end a program that takes too much', async () => {
    const code = `const all = []; for (let i = 0; i < 40; i++) all.push(Buffer.alloc(50e6, 1)); ${PASS}`;
    const reply = await run(script(code), { limits: { memory: 600 * 1024 ** 2 } });
    expect(reply).toMatchObject({ status: 'error', error: { class: 'PERSONA_ERROR' } });
    expect(await run(script(code), { limits: { memory: 4 * 1024 ** 3 } })).toMatchObject({ status: 'pass' });
  });

  it('of processor time end a program that only turns', async () => {
    const reply = await run(script('for (;;);'), { limits: { cpu: 1 } });
    expect(reply.error?.message).toMatch(/SIGXCPU \(it had used up its processor time/);
  });

  it('of files end a program that writes on and on', async () => {
    const directory = aFolder();
    const code = `const fs = require('fs'); const fd = fs.openSync('big', 'w'); for (let i = 0; i < 100; i++) fs.writeSync(fd, Buffer.alloc(1e6)); ${PASS}`;
    const reply = await run(script(code), { limits: { file: 5_000_000 }, context: aContext({ directory }) });
    expect(reply).toMatchObject({ status: 'error', error: { class: 'PERSONA_ERROR' } });
    expect(readFileSync(join(directory, 'big')).length).toBeLessThanOrEqual(5_000_000);
  });

  it('are not left out where they cannot be set', async () => {
    const path = process.env['PATH'];
    process.env['PATH'] = aFolder();
    const reply = await run(script(PASS), { limits: { cpu: 1 } });
    process.env['PATH'] = path;
    expect(reply.error?.message).toMatch(/^persona "builder" has limits, which are set by prlimit/);
  });

  it.each([
    ['500MB', 500_000_000],
    ['2GiB', 2_147_483_648],
    ['1.5 KiB', 1_536],
    ['12', 12],
    ['0', null],
    ['2 gigs', null],
    ['-1MB', null],
  ])('read the size %s', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });
});

describe.runIf(onLinux)('a flood', () => {
  const endless = (stream: 'stdout' | 'stderr'): readonly string[] => [
    '/bin/sh',
    '-c',
    `trap '' TERM; yes 0123456789012345678901234567890123456789 | head -c 5000000000 ${stream === 'stderr' ? '>&2' : ''}`,
  ];

  it.each([
    ['stdout', 'text'],
    ['stdout', 'json'],
    ['stderr', 'text'],
  ] as const)('of 5 GB on %s (output: %s) is ended soon, in little memory', async (stream, output) => {
    const context = aContext();
    const before = process.memoryUsage().rss;
    let most = before;
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage().rss);
    }, 20);
    const began = performance.now();
    const reply = await run(endless(stream), { limits: { output: 16_000_000 }, persona: { output }, context });
    clearInterval(watch);
    expect(reply).toMatchObject({ status: 'error' });
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(most - before).toBeLessThan(150 * 1024 ** 2);
    expect(marked(context)).toEqual([]);
  });

  it('is as long as the file says', async () => {
    const reply = await run(script(`process.stdout.write('x'.repeat(2e6));`), {
      limits: { output: 1_000_000 },
      persona: { output: 'text' },
    });
    expect(reply.error?.message).toMatch(/^the command was ended after it had printed \d+ bytes$/);
  });
});

describe.runIf(onLinux)('nothing is left of', () => {
  it.each([
    ['a daemon of its own session', 'setsid sleep 1000 </dev/null >/dev/null 2>&1 &'],
    [
      'a daemon that ignores signals',
      `setsid sh -c 'trap "" TERM HUP INT; while :; do sleep 1; done' </dev/null >/dev/null 2>&1 &`,
    ],
    ['one that keeps the output open', 'setsid sleep 1000 &'],
    ['a tree of them', 'for i in 1 2 3 4 5; do setsid sh -c "setsid sleep 1000 & setsid sleep 1000" & done; sleep 0.2'],
  ])('%s, after a pass', async (_, shell) => {
    const context = aContext();
    const command = ['/bin/sh', '-c', `${shell}\necho '{"status":"pass"}'`];
    const reply = await run(command, { context });
    expect(reply).toMatchObject({ status: 'pass' });
    expect(marked(context)).toEqual([]);
  });

  it('a tree that ignores SIGTERM, when it is aborted', async () => {
    const directory = aFolder();
    writeFileSync(
      join(directory, 'stubborn.sh'),
      `trap '' TERM HUP; sh -c 'trap "" TERM; setsid sleep 1000 & sleep 1000' & echo ready >&2; while :; do sleep 1; done\n`,
    );
    const context = aContext({ directory });
    const running = run(['/bin/sh', 'stubborn.sh'], { context });
    await context.said('ready');
    context.abort();
    await running;
    expect(marked(context)).toEqual([]);
  });
});
