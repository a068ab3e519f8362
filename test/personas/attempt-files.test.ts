import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import {
  type AttemptFile,
  AttemptFiles,
  attemptMarks,
  fileSafe,
  reapOrphans,
} from '../../src/personas/attempt-files.js';
import { identityOf, isAlive } from '../../src/core/processes.js';
import { signalGroup } from '../../src/personas/process-group.js';
import { aFolder, script } from './requests.js';

const name = { run: 'demo-1', step: 'build', attempt: 1, token: 'token-1', worker: 'worker-1' };

function pathIn(stateDir: string): string {
  return join(stateDir, 'attempts', 'demo-1.build.1.worker-1.json');
}

function edit(stateDir: string, change: Partial<AttemptFile>): void {
  const file = JSON.parse(readFileSync(pathIn(stateDir), 'utf8')) as AttemptFile;
  writeFileSync(pathIn(stateDir), JSON.stringify({ ...file, ...change }));
}

/** A process in a group of its own that would live for minutes. */
function sleeper(environment: Readonly<Record<string, string>> = {}): { pid: number; gone: Promise<unknown> } {
  const [program = '', ...args] = script('setInterval(() => {}, 1000)');
  const child = spawn(program, args, { detached: true, stdio: 'ignore', env: { ...process.env, ...environment } });
  return { pid: child.pid ?? 0, gone: new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal))) };
}

async function deadProcess(): Promise<number> {
  const child = spawn('true');
  await new Promise((resolve) => child.once('exit', resolve));
  return child.pid ?? 0;
}

async function deadWorker(): Promise<AttemptFile['worker']> {
  return { id: 'worker-1', process: { pid: await deadProcess(), startTime: '1' } };
}

describe('attempt files', () => {
  it('say who works, and are gone afterwards', () => {
    const stateDir = aFolder();
    const files = new AttemptFiles(stateDir);
    files.open(name);
    files.recordGroup(name, process.pid);
    expect(files.live('demo-1', null)).toMatchObject([{ prepared: false, ending: false }]);
    files.markPrepared(name);
    files.markEnding(name);
    expect(files.live('demo-1', null)).toMatchObject([{ prepared: true, ending: true }]);
    expect(JSON.parse(readFileSync(pathIn(stateDir), 'utf8'))).toMatchObject({
      run: 'demo-1',
      token: 'token-1',
      machine: { host: hostname() },
      worker: { id: 'worker-1', process: identityOf(process.pid) },
      group: identityOf(process.pid),
    });
    expect(files.live('demo-1', null)).toHaveLength(1);
    expect(files.live('demo-1', name)).toHaveLength(0);
    expect(files.live('demo-1', { ...name, attempt: 2 })).toHaveLength(1);
    expect(files.live('demo-2', null)).toHaveLength(0);
    files.close(name);
    files.close(name);
    expect(readdirSync(join(stateDir, 'attempts'))).toEqual([]);
  });

  it('never leave their folder', () => {
    const stateDir = aFolder();
    new AttemptFiles(stateDir).open({ ...name, step: '../../../tmp/x y' });
    expect(readdirSync(join(stateDir, 'attempts'))).toEqual([
      expect.stringMatching(/^demo-1\.tmp-x-y_[0-9a-f]{8}\.1\.worker-1\.json$/),
    ]);
    expect(fileSafe('a.b')).not.toBe(fileSafe('a-b'));
    expect(fileSafe('1_plan')).toBe('1_plan');
  });
});

describe('the reaper', () => {
  it('ends the group of a dead worker and removes its file', async () => {
    const stateDir = aFolder();
    const files = new AttemptFiles(stateDir);
    const orphan = sleeper();
    files.open(name);
    files.recordGroup(name, orphan.pid);
    edit(stateDir, { worker: await deadWorker() });
    expect(files.live('demo-1', null)).toEqual([]);
    expect(reapOrphans(stateDir).map(({ step }) => step)).toEqual(['build']);
    expect(await orphan.gone).toBe('SIGKILL');
    expect(existsSync(pathIn(stateDir))).toBe(false);
  });

  it('leaves the group of a living worker alone', () => {
    const stateDir = aFolder();
    const files = new AttemptFiles(stateDir);
    const other = sleeper();
    files.open(name);
    files.recordGroup(name, other.pid);
    expect(reapOrphans(stateDir)).toEqual([]);
    expect(isAlive(identityOf(other.pid))).toBe('yes');
    signalGroup(other.pid, 'SIGKILL');
  });

  it('never kills a pid that is somebody else now', async () => {
    const stateDir = aFolder();
    const files = new AttemptFiles(stateDir);
    const stranger = sleeper();
    files.open(name);
    edit(stateDir, { worker: await deadWorker(), group: { pid: stranger.pid, startTime: '12345' } });
    expect(reapOrphans(stateDir)).toHaveLength(1);
    files.open(name);
    edit(stateDir, { worker: await deadWorker(), group: { pid: stranger.pid, startTime: null } });
    expect(reapOrphans(stateDir)).toHaveLength(1);
    expect(isAlive(identityOf(stranger.pid))).toBe('yes');
    signalGroup(stranger.pid, 'SIGKILL');
    expect(await stranger.gone).toBe('SIGKILL');
  });

  it.skipIf(process.platform !== 'linux')('finds processes of the attempt whose leader has gone', async () => {
    const stateDir = aFolder();
    const files = new AttemptFiles(stateDir);
    const orphan = sleeper(attemptMarks(name.token, name.worker));
    const stranger = sleeper(attemptMarks(name.token, 'worker-2'));
    files.open(name);
    edit(stateDir, { worker: await deadWorker(), group: { pid: await deadProcess(), startTime: '1' } });
    reapOrphans(stateDir);
    expect(await orphan.gone).toBe('SIGKILL');
    expect(isAlive(identityOf(stranger.pid))).toBe('yes');
    signalGroup(stranger.pid, 'SIGKILL');
  });

  it('forgets what another boot left, kills nothing for it, and leaves other machines alone', async () => {
    const stateDir = aFolder();
    const files = new AttemptFiles(stateDir);
    const stranger = sleeper();
    files.open(name);
    files.recordGroup(name, stranger.pid);
    edit(stateDir, { machine: { host: 'elsewhere', boot: 'x' }, worker: await deadWorker() });
    expect(reapOrphans(stateDir)).toEqual([]);
    edit(stateDir, { machine: { host: hostname(), boot: 'x' } });
    expect(reapOrphans(stateDir)).toHaveLength(1);
    expect(isAlive(identityOf(stranger.pid))).toBe('yes');
    signalGroup(stranger.pid, 'SIGKILL');
  });

  it('does not mind rubbish, or no folder at all', () => {
    const stateDir = aFolder();
    expect(reapOrphans(stateDir)).toEqual([]);
    mkdirSync(join(stateDir, 'attempts'));
    writeFileSync(join(stateDir, 'attempts', 'x.json'), '{"group":{"pid":1}}');
    writeFileSync(join(stateDir, 'attempts', 'y.json'), 'not json');
    expect(reapOrphans(stateDir)).toEqual([]);
  });
});

describe('isAlive', () => {
  it('tells the dead from the living', async () => {
    expect(isAlive({ pid: await deadProcess(), startTime: '1' })).toBe('no');
    expect(isAlive(identityOf(process.pid))).toBe('yes');
    expect(isAlive({ pid: process.pid, startTime: '1' })).toBe('no');
    expect(isAlive({ pid: process.pid, startTime: null })).toBe('unknown');
    await systemClock.sleep(0);
  });

  it('never signals everybody', () => {
    expect([signalGroup(0, 0), signalGroup(1, 0), signalGroup(-1, 0), signalGroup(Number.NaN, 0)]).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });
});
