import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import { type CommandLimits, CommandRunner } from '../../src/personas/command.js';
import type { CommandPersona } from '../../src/personas/persona.js';
import type { RawReply } from '../../src/personas/runner.js';
import { aCommand, aContext, aFolder, aRequest, script, type TestContext } from './requests.js';

async function run(
  command: readonly string[],
  want: { persona?: Partial<CommandPersona>; context?: TestContext; limits?: Partial<CommandLimits> } = {},
): Promise<RawReply> {
  const limits = { graceMs: 200, ...want.limits };
  const runner = new CommandRunner(aCommand(command, want.persona), { clock: systemClock, limits });
  return await runner.run(aRequest(), want.context ?? aContext());
}

const text = { persona: { output: 'text' } } as const;

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Resolves when the process is gone; a test that waits for a survivor times out. */
async function gone(pid: number): Promise<true> {
  while (isRunning(pid)) await systemClock.sleep(10);
  return true;
}

describe('a command persona', () => {
  it('gets the request on stdin and a clean environment, and answers on stdout', async () => {
    process.env['COORD_TEST_SECRET'] = 'hidden';
    process.env['COORD_TEST'] = 'x';
    process.env['ALLOWED_NAME'] = 'yes';
    const code = `
      const text = require('fs').readFileSync(0, 'utf8');
      const prompt = require('fs').readFileSync(process.env.COORD_PROMPT_FILE, 'utf8');
      const env = Object.keys(process.env).filter((k) => /^(COORD_|GIT_|ALLOWED|TERM)/.test(k)).sort();
      process.stdout.write(JSON.stringify({ status: 'pass', result: { request: JSON.parse(text), prompt, env, cwd: process.cwd() } }));`;
    const reply = await run(script(code), { persona: { prompt: 'Be good.', env: ['ALLOWED_NAME'], file: '/p/b.md' } });
    expect(reply).toMatchObject({
      status: 'pass',
      error: null,
      result: {
        request: aRequest(),
        prompt: 'Be good.\n',
        env: [
          'ALLOWED_NAME',
          'COORD_ATTEMPT',
          'COORD_PERSONA',
          'COORD_PERSONA_FILE',
          'COORD_PROMPT_FILE',
          'COORD_RUN',
          'COORD_STEP',
          'COORD_TOKEN',
          'COORD_WORKER',
          'TERM',
        ],
        cwd: expect.stringMatching(/coord-attempt-\w+\/work$/) as unknown,
      },
    });
  });

  it('works in the worktree it is given', async () => {
    const directory = aFolder();
    writeFileSync(join(directory, 'out.txt'), 'hi');
    const code = `console.log(JSON.stringify({ status: 'pass', result: [process.cwd(), process.env.COORD_WORKSPACE], artifacts: [{ name: 'o', path: 'out.txt' }] }))`;
    const reply = await run(script(code), { context: aContext({ directory }) });
    expect(reply).toMatchObject({ status: 'pass', result: [directory, directory] });
    expect(Buffer.from(reply.artifacts[0]?.content ?? []).toString()).toBe('hi');
  });

  it('keeps stderr as a log and as progress', async () => {
    const context = aContext();
    const reply = await run(script(`console.error('\\x1b[1mone\\x1b[0m\\ntwo'); console.log('{"status":"pass"}')`), {
      context,
    });
    expect(context.lines).toEqual(['one', 'two']);
    expect(reply.artifacts.map(({ name, type, content }) => [name, type, Buffer.from(content).toString()])).toEqual([
      ['build.1.log', 'text/plain', '\u001b[1mone\u001b[0m\ntwo\n'],
    ]);
  });

  it('may ignore a large request', async () => {
    const runner = new CommandRunner(aCommand(['true'], { output: 'text' }), { clock: systemClock });
    const request = aRequest({ task: { text: 'x'.repeat(2_000_000) } });
    expect(await runner.run(request, aContext())).toMatchObject({ status: 'pass', result: { text: '' } });
  });

  it('has no shell', async () => {
    const reply = await run(['echo', '$HOME; rm -rf /tmp/nothing', '`id`'], text);
    expect(reply.result).toEqual({ text: '$HOME; rm -rf /tmp/nothing `id`\n' });
  });

  it('says which command was not found', async () => {
    const reply = await run(['no-such-program-x']);
    expect(reply.error?.class).toBe('PERSONA_ERROR');
    expect(reply.error?.message).toMatch(
      /^the command "no-such-program-x" of persona "builder" was not found; PATH is /,
    );
    const file = join(mkdtempSync(join(tmpdir(), 'coord-test-')), 'plain');
    writeFileSync(file, 'x', { mode: 0o644 });
    expect((await run([file])).error?.message).toMatch(/may not be executed; is its file mode right/);
  });

  it('is capped when it never stops printing', async () => {
    const reply = await run(['yes'], { limits: { stdoutBytes: 100_000 } });
    expect(reply.error).toMatchObject({ class: 'INVALID_REPLY' });
    expect(reply.error?.message).toMatch(/^not a valid reply: it is larger than 100000 bytes, the limit/);
    const flood = await run(['yes'], { ...text, limits: { stdoutBytes: 100_000, floodBytes: 3_000_000 } });
    expect(flood.error?.message).toMatch(/^the command was ended after it had printed \d+ bytes/);
  });

  it('keeps the end of a flood on stderr', async () => {
    const reply = await run(['sh', '-c', 'yes | head -c 5000000 >&2; echo LAST >&2'], text);
    const log = Buffer.from(reply.artifacts[0]?.content ?? []).toString();
    expect(log).toHaveLength(64 * 1024);
    expect(log.endsWith('y\nLAST\n')).toBe(true);
  });

  it('leaves no survivors when a child and its grandchild ignore SIGTERM', async () => {
    const context = aContext();
    const code = `trap '' TERM; (trap '' TERM; echo "pid $(sh -c 'echo $PPID')" >&2; while :; do sleep 0.1; done) & echo "pid $$" >&2; echo ready >&2; while :; do sleep 0.1; done`;
    const running = run(['sh', '-c', code], { context });
    await context.said('ready');
    while (context.lines.length < 3) await systemClock.sleep(5);
    const pids = context.lines.filter((line) => line.startsWith('pid ')).map((line) => Number(line.slice(4)));
    expect(pids).toHaveLength(2);
    expect(pids.every(isRunning)).toBe(true);
    context.abort();
    expect((await running).status).toBe('error');
    await Promise.all(pids.map(gone));
  });

  it.skipIf(process.platform !== 'linux')('finds what left the group when it is aborted', async () => {
    const context = aContext();
    const code = `setsid sh -c 'echo "pid $$" >&2; exec sleep 300' & wait`;
    const running = run(['sh', '-c', code], { context });
    const pid = Number((await context.said('pid ')).slice(4));
    context.abort();
    await running;
    expect(await gone(pid)).toBe(true);
  });

  it('ends soon when a grandchild keeps the output open, and takes it along', async () => {
    const context = aContext();
    const started = systemClock.now();
    const reply = await run(['sh', '-c', 'sleep 300 & echo "pid $!" >&2; echo done'], { ...text, context });
    expect(reply).toMatchObject({ status: 'pass', result: { text: 'done\n' } });
    expect(systemClock.now() - started).toBeLessThan(4_500);
    expect(await gone(Number(context.lines[0]?.slice(4)))).toBe(true);
  });

  it('takes along what it left in the background with its output closed', async () => {
    const context = aContext();
    await run(['sh', '-c', 'sleep 300 >/dev/null 2>&1 </dev/null & echo "pid $!" >&2'], { ...text, context });
    expect(await gone(Number(context.lines[0]?.slice(4)))).toBe(true);
  });

  it('leaves no folder behind', async () => {
    const code = `console.log(JSON.stringify({ status: 'pass', result: process.cwd() }))`;
    const { result } = await run(script(code));
    expect(result).toMatch(/coord-attempt-/);
    expect(existsSync(result as string)).toBe(false);
  });
});
