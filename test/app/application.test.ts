import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createApplication } from '../../src/app/application.js';
import { hostName, hostsFolder } from '../../src/app/host-record.js';
import type { Application, GlobalOptions } from '../../src/cli/application.js';
import { step, workflow } from '../harness/definitions.js';
import { startTestServer } from '../harness/redis-server.js';

let directory: string;
let app: Application;
let options: GlobalOptions;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'coord-app-'));
  app = createApplication();
  options = { redis: null, namespace: 'coord', directory };
});
afterEach(async () => {
  await app.down(options);
  rmSync(directory, { recursive: true, force: true });
});

function persona(text: string): void {
  mkdirSync(join(directory, 'personas'), { recursive: true });
  writeFileSync(join(directory, 'personas/echo.md'), text);
}

const ECHO = '---\nkind: command\ncommand: [echo, hi]\noutput: text\n---\nEchoes.\n';
describe('a store', () => {
  test('that was given and does not answer is an error, never a reason to use another', async () => {
    const given = { ...options, redis: 'redis://127.0.0.1:1' };
    await expect(app.connect(given, 'start')).rejects.toMatchObject({ code: 'REDIS_UNREACHABLE' });
    await expect(app.connect({ ...options, redis: 'localhost' }, 'start')).rejects.toMatchObject({ code: 'USAGE' });
  });

  test('that would break a promise is refused', async () => {
    const server = await startTestServer();
    server.cli('CONFIG', 'SET', 'maxmemory', '100mb');
    server.cli('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    const given = { ...options, redis: `unix:${server.server.socket}` };
    await expect(app.connect(given, 'find')).rejects.toMatchObject({
      code: 'REDIS_UNSUITABLE',
      message: expect.stringContaining('noeviction'),
    });
    server.cli('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    server.cli('CONFIG', 'SET', 'appendfsync', 'everysec');
    const session = await app.connect(given, 'find');
    expect(session.notice).toContain('a power cut may undo the last seconds');
    await session.close();
    await server.stop();
  });

  test('is the private server, started when a command may start it and found again by the next', async () => {
    await expect(app.connect(options, 'find')).rejects.toMatchObject({
      code: 'REDIS_UNREACHABLE',
      message: expect.stringContaining('coord up'),
    });
    expect(await app.up(options)).toMatchObject({ started: true });
    expect(await app.up(options)).toMatchObject({ started: false });
    const session = await app.connect(options, 'find');
    expect(session).toMatchObject({ durable: true, notice: null });
    await session.close();
    expect(await app.down(options)).toEqual({ host: false, server: true });
  });

  test('without any server program is the memory of this process, and says so with the command that cures it', async () => {
    const bare = createApplication({ PATH: '/nowhere' });
    const session = await bare.connect(options, 'start');
    expect(session.durable).toBe(false);
    expect(session.notice).toMatch(/^Runs live in the memory of this process and end with it: .* To keep them: /);
    expect(await bare.ensureHost(session, options, [])).toEqual({ kind: 'in-process' });
    await session.close();
    await expect(bare.up(options)).rejects.toMatchObject({ code: 'REDIS_START_FAILED' });
  });
});

describe('the background host', () => {
  test('is started once, found again, and replaced when the personas have changed and nothing is under way', async () => {
    persona(ECHO);
    const session = await app.connect(options, 'start');
    const first = await app.ensureHost(session, options, []);
    expect(first).toMatchObject({ kind: 'background', started: true });
    expect(await app.isHosted(session)).toBe(true);
    expect(await app.ensureHost(session, options, [])).toMatchObject({ ...first, started: false });
    persona(ECHO.replace('hi', 'ho'));
    const second = await app.ensureHost(session, options, []);
    expect(second).toMatchObject({ kind: 'background', started: true });
    expect(second).not.toMatchObject({ pid: (first as { pid: number }).pid });
    // A run that nobody works on is no reason to wait; one that is worked on is.
    await session.client.start({ definition: workflow([step('a', { persona: 'nobody' })]), task: {}, workspace: null });
    const gate = join(directory, 'gate');
    persona(ECHO.replace('[echo, hi]', `[sh, -c, "while [ ! -e '${gate}' ]; do sleep 0.05; done"]`));
    expect(await app.ensureHost(session, options, [])).toMatchObject({ kind: 'background', started: true });
    const definition = workflow([step('a', { persona: 'echo' })]);
    const { run } = await session.client.start({ definition, task: {}, workspace: null });
    while ((await session.client.get(run)).steps[0]?.status !== 'working');
    persona(ECHO);
    await expect(app.ensureHost(session, options, [])).rejects.toMatchObject({
      code: 'HOST_START_FAILED',
      message: expect.stringContaining(`works on a of run ${run}`),
    });
    writeFileSync(gate, '');
    await session.close();
    expect(await app.down(options)).toEqual({ host: true, server: true });
  });

  test('is started once by several that ask at the same moment, and one per namespace', async () => {
    persona(ECHO);
    const session = await app.connect(options, 'start');
    const other = { ...options, namespace: 'other' };
    const otherSession = await app.connect(other, 'start');
    const [first, second, third] = await Promise.all([
      app.ensureHost(session, options, []),
      app.ensureHost(session, options, []),
      app.ensureHost(otherSession, other, []),
    ]);
    expect([first, second].filter((hosting) => (hosting as { started: boolean }).started)).toHaveLength(1);
    expect((first as { pid: number }).pid).toBe((second as { pid: number }).pid);
    expect(third).toMatchObject({ kind: 'background', started: true });
    expect((third as { pid: number }).pid).not.toBe((second as { pid: number }).pid);
    await session.close();
    await otherSession.close();
    expect(await app.down(options)).toEqual({ host: true, server: true });
  });

  test('is never taken for another process that has got its pid', async () => {
    persona(ECHO);
    const session = await app.connect(options, 'start');
    const hosting = await app.ensureHost(session, options, []);
    if (hosting.kind !== 'background') throw new Error(`hosted by ${hosting.kind}`);
    const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
      stdio: 'ignore',
      argv0: 'my coord editor',
    });
    const file = join(hostsFolder(options), `${hostName(options)}.json`);
    const record = JSON.parse(readFileSync(file, 'utf8')) as { process: { pid: number } };
    process.kill(hosting.pid, 'SIGKILL');
    writeFileSync(file, JSON.stringify({ ...record, process: { ...record.process, pid: stranger.pid } }));
    expect((await app.down(options)).host).toBe(false);
    expect(stranger.exitCode ?? stranger.signalCode).toBeNull();
    stranger.kill();
    await session.close();
  });

  test('that was killed is not taken for one that is there', async () => {
    persona(ECHO);
    const session = await app.connect(options, 'start');
    const hosting = await app.ensureHost(session, options, []);
    if (hosting.kind !== 'background') throw new Error(`hosted by ${hosting.kind}`);
    process.kill(hosting.pid, 'SIGKILL');
    while (await app.isHosted(session));
    expect(await app.ensureHost(session, options, [])).toMatchObject({ kind: 'background', started: true });
    await session.close();
  });

  test('that cannot start says why, with the end of its log', async () => {
    const session = await app.connect(options, 'start');
    persona('---\nkind: robot\n---\n');
    await expect(app.ensureHost(session, options, [])).rejects.toMatchObject({ code: 'PERSONA_INVALID' });
    await session.close();
  });
});

test('the personas of a project are those with a file, and nobody knows them while one is broken', async () => {
  persona(ECHO);
  expect([...((await app.knownPersonas(options)) ?? [])]).toEqual(expect.arrayContaining(['echo', 'git']));
  await app.checkPersonas(options, []);
  persona('no persona file');
  expect(await app.knownPersonas(options)).toBeNull();
  await expect(app.checkPersonas(options, [])).rejects.toMatchObject({ code: 'PERSONA_INVALID' });
});

describe('doctor', () => {
  test('names what is there and what is missing, each with its cure', async () => {
    persona(ECHO);
    const findings = await app.doctor(options, []);
    const of = (subject: string): unknown => findings.find((finding) => finding.subject === subject);
    expect(of('Node')).toMatchObject({ level: 'ok' });
    expect(of('Redis')).toMatchObject({ level: 'ok', message: expect.stringContaining('started on first use') });
    expect(of('repository')).toMatchObject({ level: 'warning' });
    expect(of('personas')).toMatchObject({ level: 'ok', message: expect.stringContaining('echo') });
    // What comes with coord is there to begin with: one line, however many of their personas are missing here.
    const shipped = findings.filter(
      ({ subject, message }) => subject.startsWith('workflow') && message.includes('feature'),
    );
    expect(shipped).toMatchObject([
      {
        level: 'ok',
        subject: 'workflows',
        message: expect.stringMatching(/^coord brings .*feature.*; they ask personas/),
      },
    ]);
    const agents = join(options.directory, '.claude', 'agents');
    mkdirSync(agents, { recursive: true });
    writeFileSync(join(agents, 'notes.md'), 'No front matter.');
    expect((await app.doctor(options, [])).filter(({ subject }) => subject === 'personas')).toMatchObject([
      { level: 'warning', message: `${join(agents, 'notes.md')} is left out`, cure: 'coord persona list' },
      { level: 'ok' },
    ]);
    const bare = await createApplication({ PATH: '/nowhere' }).doctor(options, []);
    expect(bare.find((finding) => finding.subject === 'Redis')).toMatchObject({
      level: 'warning',
      cure: expect.stringMatching(/install/),
    });
  });
});
