import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Host } from '../../src/app/host.js';
import { createLog } from '../../src/app/log.js';
import { Client } from '../../src/coordinator/client.js';
import { systemClock } from '../../src/core/clock.js';
import { noFailpoints } from '../../src/core/failpoints.js';
import { randomIds } from '../../src/core/ids.js';
import type { Store } from '../../src/core/ports.js';
import { definitionHash, type WorkflowDefinition } from '../../src/definition/workflow.js';
import { createMemoryStore } from '../../src/memory/store.js';
import { AttemptFiles } from '../../src/personas/attempt-files.js';
import { functionPersona } from '../../src/personas/catalog.js';
import type { PersonaFunction } from '../../src/personas/runner.js';
import { inner, step, workflow } from '../harness/definitions.js';
import { aRepository, gitIn } from '../personas/repositories.js';
import { aFolder } from '../personas/requests.js';

let repo: string;
let base: string;
let store: Store;
let client: Client;
let notes: string[];
let hosts: Host[];
beforeEach(() => {
  ({ repo, base } = aRepository());
  store = createMemoryStore({ clock: systemClock, ids: randomIds });
  client = new Client({ store, partitions: 1, clock: systemClock, ids: randomIds });
  notes = [];
  hosts = [];
});
afterEach(async () => {
  await Promise.all(hosts.map((host) => Promise.all([host.stop(), host.stop()])));
});

/** A started host of the project in `repo`, or in another folder, whose persona `worker` is the function. */
function aHost(run: PersonaFunction = () => ({ status: 'pass' }), project = repo): Host {
  const host = new Host({
    store,
    partitions: 1,
    coordinate: true,
    retentionMs: null,
    personas: new Map([['worker', functionPersona({ name: 'worker', run, concurrency: 5 })]]),
    stateDirectory: join(project, '.coord'),
    means: { clock: systemClock, ids: randomIds, failpoints: noFailpoints, env: {} },
    log: createLog('pretty', { clock: systemClock, write: (line) => notes.push(line) }),
    graceMs: 0,
  });
  hosts.push(host);
  host.start();
  return host;
}

async function start(definition: WorkflowDefinition, inside: readonly WorkflowDefinition[] = []): Promise<string> {
  const { run } = await client.start({ definition, inner: inside, task: {}, workspace: { repo, base } });
  return run;
}

const worktrees = (): readonly string[] => {
  const folder = join(repo, '.coord', 'worktrees');
  return existsSync(folder) ? readdirSync(folder).filter((name) => !name.includes('.lock')) : [];
};

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await systemClock.sleep(5);
}

async function ended(run: string): Promise<string> {
  const none = new AbortController().signal;
  for await (const _ of client.follow(run, none));
  return (await client.get(run)).status;
}

/** Writes a file, then does what its step is named: `pass`, `fail`, or waits until it is aborted. */
const works: PersonaFunction = async ({ step: name }, { directory, signal }) => {
  writeFileSync(join(directory ?? '', name), name);
  if (name !== 'wait') return name === 'fail' ? { status: 'fail', error: 'no' } : { status: 'pass' };
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
  return { status: 'pass' };
};

describe('the worktree of a run', () => {
  test('goes when the run is completed, failed or canceled; what was made stays, and so does what still works', async () => {
    aHost(works);
    const busy = await start(workflow([step('wait')], { name: 'busy' }));
    await until(() => existsSync(join(repo, '.coord', 'worktrees', busy, 'wait')));
    const passed = await start(workflow([step('pass')]));
    const failed = await start(workflow([step('fail')]));
    const canceled = await start(workflow([step('wait')]));
    await until(() => existsSync(join(repo, '.coord', 'worktrees', canceled, 'wait')));
    await client.cancel(canceled, { reason: 'enough', by: 'ada' });
    expect(await Promise.all([passed, failed, canceled].map(ended))).toEqual(['completed', 'failed', 'canceled']);
    await until(() => worktrees().length === 1);
    expect(worktrees()).toEqual([busy]);
    expect(gitIn(repo, 'show', `coord/${passed}:pass`)).toBe('pass');
    expect(gitIn(repo, 'show', `refs/coord/${failed}/fail-1:fail`)).toBe('fail');
    expect(gitIn(repo, 'show', `refs/coord/${canceled}/wait-1:wait`)).toBe('wait');
    for (const run of [failed, canceled]) expect(gitIn(repo, 'rev-parse', `coord/${run}`)).toBe(base);
    expect((await client.get(busy)).status).toBe('running');
    expect(notes.filter((note) => note.includes('stays'))).toEqual([]);
  });

  test('goes for runs inside too', async () => {
    aHost(works);
    const small = workflow([step('pass')], { name: 'small' });
    const run = await start(workflow([inner('sub', 'small', { definition: definitionHash(small) })]), [small]);
    expect(await ended(run)).toBe('completed');
    const within = (await client.get(run)).steps[0]?.run ?? '';
    await until(() => worktrees().length === 0);
    expect(gitIn(repo, 'show', `coord/${within}:pass`)).toBe('pass');
  });

  test('goes before a host has stopped that stops right after the end', async () => {
    const host = aHost(works);
    expect(await ended(await start(workflow([step('pass')])))).toBe('completed');
    await host.stop();
    expect(worktrees()).toEqual([]);
  });

  test('waits for an attempt of another worker on this machine', async () => {
    const files = new AttemptFiles(join(repo, '.coord'));
    aHost(works);
    const run = await start(workflow([step('wait')]));
    await until(() => existsSync(join(repo, '.coord', 'worktrees', run, 'wait')));
    const other = { run, step: 'other', attempt: 1, token: 't', worker: 'other' };
    files.open(other);
    await client.cancel(run, { reason: 'enough', by: 'ada' });
    await ended(run);
    const next = await start(workflow([step('pass')]));
    await ended(next);
    await until(() => !worktrees().includes(next));
    expect(worktrees()).toEqual([run]);
    files.close(other);
    await until(() => worktrees().length === 0);
  });

  test('stays, with a note, when it cannot be removed', async () => {
    aHost((_, { directory }) => {
      const nested = join(directory ?? '', 'nested');
      mkdirSync(nested);
      gitIn(nested, 'init', '-q');
      gitIn(nested, 'commit', '-q', '--allow-empty', '-m', 'i');
      return { status: 'error', error: 'no' };
    });
    const run = await start(workflow([step('a')]));
    expect(await ended(run)).toBe('failed');
    await until(() => notes.some((note) => note.includes(`the worktree of run ${run} in ${repo} stays`)));
    expect(worktrees()).toEqual([run]);
  });
});

describe('a host that starts', () => {
  /** A worktree as a host that died left it. */
  function leave(run: string, branch: readonly string[]): string {
    const path = join(repo, '.coord', 'worktrees', run);
    gitIn(repo, 'worktree', 'add', '-q', path, ...branch);
    return path;
  }

  async function endedRun(): Promise<string> {
    const host = aHost(works);
    const run = await start(workflow([step('pass')]));
    await ended(run);
    await host.stop();
    leave(run, [`coord/${run}`]);
    return run;
  }

  test.each(['its own repository', 'another one that runs worked on'])(
    'takes away what ended runs have left in %s',
    async (where) => {
      const run = await endedRun();
      aHost(works, where === 'its own repository' ? repo : aFolder());
      await until(() => worktrees().length === 0);
      expect(gitIn(repo, 'show', `coord/${run}:pass`)).toBe('pass');
    },
  );

  test('takes worktrees of unknown runs away only when they were not touched for long', async () => {
    const old = leave('gone-1', ['-b', 'gone']);
    leave('elsewhere-1', ['-b', 'elsewhere']);
    const days = (count: number): number => systemClock.now() / 1_000 - count * 86_400;
    const gitDir = gitIn(old, 'rev-parse', '--absolute-git-dir');
    for (const path of [old, gitDir, join(gitDir, 'index')]) utimesSync(path, days(40), days(40));
    aHost(works);
    await until(() => !worktrees().includes('gone-1'));
    const run = await start(workflow([step('pass')]));
    await ended(run);
    await until(() => !worktrees().includes(run));
    expect(worktrees()).toEqual(['elsewhere-1']);
    expect(gitIn(repo, 'branch', '--list', 'gone')).toContain('gone');
  });
});
