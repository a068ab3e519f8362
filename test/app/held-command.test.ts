/** A command at the terminal, under a lock: its exit code, its signals, and its end when the lock is lost. */
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { runHeldCommand } from '../../src/app/held-command.js';

function run(program: string, until = new AbortController().signal): Promise<number> {
  return runHeldCommand({ argv: ['node', '-e', program], directory: tmpdir(), environment: process.env, until });
}

/** Does not end by itself, and has said that it listens when the process that it asks is gone. */
const STUBBORN =
  "process.on('SIGTERM', () => process.exit(9)); process.kill(process.ppid, 'SIGUSR2'); setInterval(() => 0, 1000)";

/** Resolves when the command has begun. */
function begun(): Promise<void> {
  return new Promise((resolve) => process.once('SIGUSR2', () => resolve()));
}

test('its exit code is the command’s', async () => {
  expect(await run('process.exit(3)')).toBe(3);
  expect(await run('')).toBe(0);
  expect(await run("process.kill(process.pid, 'SIGKILL')")).toBe(137);
});

test('what is no command is said', async () => {
  const request = { directory: tmpdir(), environment: process.env, until: new AbortController().signal };
  await expect(runHeldCommand({ ...request, argv: ['no-such-command'] })).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining('"no-such-command" cannot be started'),
  });
});

test('a signal goes on to it, and the listeners go with it', async () => {
  const before = process.listenerCount('SIGTERM');
  const ready = begun();
  const ended = run(STUBBORN);
  await ready;
  process.emit('SIGTERM');
  expect(await ended).toBe(9);
  expect(process.listenerCount('SIGTERM')).toBe(before);
});

test('it is asked to end when the lock is lost', async () => {
  const lost = new AbortController();
  const ready = begun();
  const ended = run(STUBBORN, lost.signal);
  await ready;
  lost.abort();
  expect(await ended).toBe(9);
});
