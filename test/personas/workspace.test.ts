import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../src/core/clock.js';
import { AttemptFiles } from '../../src/personas/attempt-files.js';
import { openRepository } from '../../src/personas/repository.js';
import { type WorkspaceRequest, Workspaces } from '../../src/personas/workspace.js';
import { aRepository, gitIn } from './repositories.js';
import { aFolder } from './requests.js';

// Without the identity and settings of whoever runs the tests.
for (const name of ['HOME', 'XDG_CONFIG_HOME']) process.env[name] = aFolder();

const RUN = 'demo-1';
const BRANCH = 'coord/demo-1';

function setUp(): {
  repo: string;
  base: string;
  files: AttemptFiles;
  workspaces: Workspaces;
  request: (change?: Partial<WorkspaceRequest>, commit?: string) => WorkspaceRequest;
  prepare: (request: WorkspaceRequest) => Promise<string>;
  pass: (request: WorkspaceRequest) => Promise<string>;
  saved: () => readonly string[];
} {
  const { repo, base } = aRepository();
  const files = new AttemptFiles(aFolder());
  const workspaces = new Workspaces({ clock: systemClock, attempts: files });
  const request = (change: Partial<WorkspaceRequest> = {}, commit = base): WorkspaceRequest => ({
    run: RUN,
    step: 'build',
    attempt: 1,
    persona: 'builder',
    token: 'token-1',
    worker: 'w',
    workspace: { repo, base, branch: BRANCH, commit },
    ...change,
  });
  const prepare = (wanted: WorkspaceRequest): Promise<string> =>
    workspaces.prepare(wanted, new AbortController().signal);
  const pass = async (wanted: WorkspaceRequest): Promise<string> =>
    await workspaces.conclude(wanted, { status: 'pass' }, async (commit) => commit ?? 'none');
  const saved = (): readonly string[] =>
    gitIn(repo, 'for-each-ref', '--format=%(refname)', `refs/coord/${RUN}/`)
      .split('\n')
      .filter((ref) => !ref.endsWith('/base'));
  return { repo, base, files, workspaces, request, prepare, pass, saved };
}

describe('a workspace', () => {
  it('is a worktree on its own branch, and the checkout of the user is not touched', async () => {
    const { repo, base, request, prepare, pass } = setUp();
    writeFileSync(join(repo, 'a.txt'), 'changed by the user\n');
    writeFileSync(join(repo, 'b.txt'), 'staged by the user\n');
    gitIn(repo, 'add', 'b.txt');
    const before = gitIn(repo, 'status', '--porcelain');
    const path = await prepare(request());
    expect(path).toBe(join(repo, '.coord', 'worktrees', RUN));
    expect(readFileSync(join(path, 'a.txt'), 'utf8')).toBe('a\n');
    expect(gitIn(path, 'symbolic-ref', '--short', 'HEAD')).toBe(BRANCH);
    writeFileSync(join(path, 'new.txt'), 'x');
    mkdirSync(join(path, 'ignored'));
    writeFileSync(join(path, 'ignored', 'cache'), 'x');
    const commit = await pass(request());
    expect(gitIn(repo, 'rev-parse', BRANCH)).toBe(commit);
    expect(gitIn(repo, 'show', '--name-only', '--format=%an <%ae>%n%B', commit)).toMatchInlineSnapshot(`
      "coord <coord@localhost>
      build: builder (attempt 1)

      Coord-Run: demo-1
      Coord-Step: build
      Coord-Token: token-1


      new.txt"
    `);
    expect(gitIn(repo, 'status', '--porcelain')).toBe(before);
    expect(gitIn(repo, 'symbolic-ref', '--short', 'HEAD')).toBe('main');
    expect(gitIn(repo, 'rev-parse', 'HEAD')).toBe(base);
    expect(readFileSync(join(repo, 'a.txt'), 'utf8')).toBe('changed by the user\n');
  });

  it('has no commit of its own when nothing changed, and uses the identity of the user', async () => {
    const { repo, base, request, prepare, pass } = setUp();
    const path = await prepare(request());
    expect(await pass(request())).toBe(base);
    gitIn(repo, 'config', 'user.name', 'Ada');
    gitIn(repo, 'config', 'user.email', 'ada@example.com');
    writeFileSync(join(path, 'x'), 'x');
    expect(gitIn(repo, 'show', '-s', '--format=%an %ae', await pass(request()))).toBe('Ada ada@example.com');
  });

  it('saves what a failed attempt left, keeps ignored files, and starts clean', async () => {
    const { repo, base, request, prepare, workspaces, saved } = setUp();
    const path = await prepare(request());
    writeFileSync(join(path, 'a.txt'), 'half\n');
    writeFileSync(join(path, 'untracked'), 'u');
    mkdirSync(join(path, 'ignored'));
    writeFileSync(join(path, 'ignored', 'cache'), 'x');
    expect(await workspaces.conclude(request(), { status: 'fail' }, async (commit) => commit)).toBeNull();
    await prepare(request({ attempt: 2 }));
    expect(readFileSync(join(path, 'a.txt'), 'utf8')).toBe('a\n');
    expect(existsSync(join(path, 'untracked'))).toBe(false);
    expect(existsSync(join(path, 'ignored', 'cache'))).toBe(true);
    expect(saved()).toEqual([`refs/coord/${RUN}/build-1`]);
    expect(gitIn(repo, 'show', `refs/coord/${RUN}/build-1:a.txt`)).toBe('half');
    expect(gitIn(repo, 'show', `refs/coord/${RUN}/build-1:untracked`)).toBe('u');
    expect(gitIn(repo, 'rev-parse', `refs/coord/${RUN}/build-1^`)).toBe(base);
  });

  it('hands out what an attempt has done that did not pass, and the next one goes on from there', async () => {
    const { repo, base, request, prepare, pass, workspaces } = setUp();
    const keeps = { status: 'error', keeps: true } as const;
    const path = await prepare(request());
    expect(await workspaces.conclude(request(), keeps, async (commit) => commit)).toBeNull();
    writeFileSync(join(path, 'a.txt'), 'half\n');
    const work = await workspaces.conclude(request(), keeps, async (commit) => commit ?? 'none');
    expect(gitIn(repo, 'rev-parse', `${work}^`)).toBe(base);
    expect(gitIn(repo, 'rev-parse', BRANCH)).toBe(base);
    await prepare(request({ attempt: 2 }, work));
    expect(readFileSync(join(path, 'a.txt'), 'utf8')).toBe('half\n');
    writeFileSync(join(path, 'b.txt'), 'rest\n');
    const done = await pass(request({ attempt: 2 }, work));
    expect(gitIn(repo, 'diff', '--name-only', base, done).split('\n')).toEqual(['a.txt', 'b.txt']);
  });

  it('saves commits beyond the commit to start from, once', async () => {
    const { repo, base, request, prepare, pass, saved } = setUp();
    const path = await prepare(request());
    writeFileSync(join(path, 'x'), '1');
    const beyond = await pass(request());
    await prepare(request({ attempt: 2 }));
    expect(gitIn(repo, 'rev-parse', BRANCH)).toBe(base);
    expect(saved().map((ref) => gitIn(repo, 'rev-parse', ref))).toEqual([beyond]);
    gitIn(path, 'reset', '-q', '--hard', beyond);
    await prepare(request({ attempt: 3 }));
    expect(saved()).toHaveLength(1);
    expect(await prepare(request({ step: 'test' }, beyond))).toBe(path);
    expect(gitIn(path, 'rev-parse', 'HEAD')).toBe(beyond);
  });

  it('survives locks, a half rebase and a switched branch that a killed attempt left', async () => {
    const { repo, base, request, prepare, pass } = setUp();
    const path = await prepare(request());
    const gitDir = gitIn(path, 'rev-parse', '--absolute-git-dir');
    gitIn(path, 'switch', '-q', '-c', 'own-idea');
    writeFileSync(join(path, 'idea'), 'i');
    gitIn(path, 'add', '-A');
    gitIn(path, 'commit', '-q', '-m', 'idea');
    const idea = gitIn(path, 'rev-parse', 'HEAD');
    writeFileSync(join(gitDir, 'index.lock'), '');
    writeFileSync(join(repo, '.git', 'refs', 'heads', `${BRANCH}.lock`), '');
    mkdirSync(join(gitDir, 'rebase-merge'));
    await prepare(request({ attempt: 2 }));
    expect(gitIn(path, 'symbolic-ref', '--short', 'HEAD')).toBe(BRANCH);
    expect(gitIn(path, 'rev-parse', 'HEAD')).toBe(base);
    expect(existsSync(join(gitDir, 'rebase-merge'))).toBe(false);
    expect(gitIn(repo, 'rev-parse', 'own-idea')).toBe(idea);
    writeFileSync(join(path, 'ok'), 'x');
    expect(await pass(request({ attempt: 2 }))).toMatch(/^[0-9a-f]{40}$/);
  });

  it('follows a passing attempt to wherever it moved HEAD', async () => {
    const { repo, request, prepare, pass } = setUp();
    const path = await prepare(request());
    gitIn(path, 'checkout', '-q', '--detach');
    writeFileSync(join(path, 'x'), 'x');
    const commit = await pass(request());
    expect(gitIn(repo, 'rev-parse', BRANCH)).toBe(commit);
    expect(gitIn(path, 'symbolic-ref', '--short', 'HEAD')).toBe(BRANCH);
  });

  it('does not commit conflicts', async () => {
    const { request, prepare, pass } = setUp();
    const path = await prepare(request());
    for (const [branch, text] of [
      ['one', '1'],
      ['two', '2'],
    ] as const) {
      gitIn(path, 'switch', '-q', '-c', branch, BRANCH);
      writeFileSync(join(path, 'a.txt'), text);
      gitIn(path, 'commit', '-q', '-am', branch);
    }
    expect(() => gitIn(path, 'merge', 'one')).toThrow(/CONFLICT|Command failed/);
    await expect(pass(request())).rejects.toMatchObject({ code: 'GIT_FAILED' });
  });

  it('is made again when its folder or its link to the repository is gone', async () => {
    const { repo, request, prepare, pass } = setUp();
    const path = await prepare(request());
    writeFileSync(join(path, 'x'), 'x');
    const commit = await pass(request());
    rmSync(path, { recursive: true });
    await prepare(request({ step: 'test' }, commit));
    expect(readFileSync(join(path, 'x'), 'utf8')).toBe('x');
    rmSync(join(path, '.git'));
    writeFileSync(join(path, 'precious'), 'p');
    await prepare(request({ step: 'test', attempt: 2 }, commit));
    expect(gitIn(path, 'rev-parse', '--show-toplevel')).toBe(path);
    expect(existsSync(join(repo, 'a.txt'))).toBe(true);
    expect(readFileSync(`${path}.lost-1/precious`, 'utf8')).toBe('p');
  });

  it('never acts on the repository around a worktree that lost its link', async () => {
    const { repo, request, prepare, pass } = setUp();
    const path = await prepare(request());
    rmSync(join(path, '.git'));
    writeFileSync(join(repo, 'mine'), 'm');
    await expect(pass(request())).rejects.toMatchObject({ code: 'WORKSPACE_INVALID' });
    expect(gitIn(repo, 'status', '--porcelain')).toBe('?? mine');
  });

  it.each([
    [
      'a file that names the repository itself',
      (repo: string, path: string) => writeFileSync(join(path, '.git'), `gitdir: ${repo}/.git\n`),
    ],
    ['a link to it', (repo: string, path: string) => symlinkSync(join(repo, '.git'), join(path, '.git'))],
  ])('whose .git is now %s is damaged, and the checkout of the user is not touched', async (_, repoint) => {
    const { repo, request, prepare, pass } = setUp();
    writeFileSync(join(repo, 'staged.txt'), 'precious');
    gitIn(repo, 'add', 'staged.txt');
    const seen = (): string =>
      gitIn(repo, 'status', '--porcelain') + gitIn(repo, 'symbolic-ref', 'HEAD') + gitIn(repo, 'rev-parse', 'HEAD');
    const before = seen();
    const path = await prepare(request());
    rmSync(join(path, '.git'));
    repoint(repo, path);
    writeFileSync(join(path, 'new.txt'), 'x');
    await expect(pass(request())).rejects.toMatchObject({ code: 'WORKSPACE_INVALID' });
    expect(seen()).toBe(before);
    await prepare(request({ attempt: 2 }));
    expect(seen()).toBe(before);
    expect(gitIn(path, 'symbolic-ref', '--short', 'HEAD')).toBe(BRANCH);
  });

  it('is put to its commit also when two steps begin at the same moment', async () => {
    const { request, prepare, files } = setUp();
    const path = await prepare(request());
    writeFileSync(join(path, 'left-behind'), 'x');
    const name = { run: RUN, attempt: 1, token: 't', worker: 'w' };
    files.open({ ...name, step: 'a' });
    files.open({ ...name, step: 'b' });
    await Promise.all([prepare(request({ step: 'a' })), prepare(request({ step: 'b' }))]);
    expect(existsSync(join(path, 'left-behind'))).toBe(false);
  });

  it('is shared, not reset, while another step of the run works in it', async () => {
    const { request, prepare, files, saved } = setUp();
    const name = { run: RUN, step: 'docs', attempt: 1, token: 't', worker: 'w' };
    files.open(name);
    const path = await prepare(request({ step: 'docs' }));
    writeFileSync(join(path, 'in-progress'), 'x');
    files.open({ ...name, step: 'build' });
    expect(await prepare(request())).toBe(path);
    expect(existsSync(join(path, 'in-progress'))).toBe(true);
    expect(saved()).toEqual([]);
    files.close(name);
    await prepare(request());
    expect(existsSync(join(path, 'in-progress'))).toBe(false);
    expect(saved()).toEqual([`refs/coord/${RUN}/docs-1`]);
  });

  it('waits for an earlier attempt of the same step to end', async () => {
    const { request, prepare, files } = setUp();
    const name = { run: RUN, step: 'build', attempt: 1, token: 't', worker: 'w' };
    files.open(name);
    let ready = false;
    const waiting = prepare(request({ attempt: 2 })).then(() => {
      ready = true;
    });
    await prepare(request({ step: 'docs' }));
    expect(ready).toBe(false);
    files.close(name);
    await waiting;
  });

  it('serves many runs of one repository at once', async () => {
    const { repo, base, request, prepare, pass } = setUp();
    const runs = Array.from({ length: 6 }, (_, index) => `many-${String(index)}`);
    const commits = await Promise.all(
      runs.map(async (run) => {
        const mine = request({ run, workspace: { repo, base, branch: `coord/${run}`, commit: base } });
        writeFileSync(join(await prepare(mine), run), run);
        return await pass(mine);
      }),
    );
    expect(new Set(commits).size).toBe(6);
  });

  it('orders replies as it orders commits', async () => {
    const { request, prepare, workspaces } = setUp();
    const path = await prepare(request());
    const order: string[] = [];
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    writeFileSync(join(path, 'x'), 'x');
    let begin = (): void => undefined;
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const first = workspaces.conclude(request(), { status: 'pass' }, async () => {
      order.push('first begins');
      begin();
      await held;
      order.push('first ends');
    });
    await begun;
    const second = workspaces.conclude(request({ step: 'docs' }), { status: 'pass' }, async () => {
      order.push('second');
    });
    release();
    await Promise.all([first, second]);
    expect(order).toEqual(['first begins', 'first ends', 'second']);
  });

  it('keeps what an attempt has done before an error, for whoever goes on with it', async () => {
    const { repo, base, request, prepare, workspaces, saved } = setUp();
    const commitOf = (wanted: WorkspaceRequest): Promise<string | null> =>
      workspaces.conclude(wanted, { status: 'error', keeps: true }, async (commit) => commit);
    const path = await prepare(request());
    expect(await commitOf(request())).toBeNull();
    writeFileSync(join(path, 'a.txt'), 'half\n');
    // What a git leaves that is killed.
    writeFileSync(join(gitIn(path, 'rev-parse', '--absolute-git-dir'), 'index.lock'), '');
    const half = await commitOf(request());
    expect(gitIn(repo, 'show', `${half ?? ''}:a.txt`)).toBe('half');
    expect(gitIn(repo, 'rev-parse', `${half ?? ''}^`, BRANCH)).toBe(`${base}\n${base}`);
    expect(saved().map((ref) => gitIn(repo, 'rev-parse', ref))).toEqual([half]);

    // Goes on with it.
    await prepare(request({ attempt: 2, persona: 'other' }, half ?? ''));
    expect(readFileSync(join(path, 'a.txt'), 'utf8')).toBe('half\n');
    expect(gitIn(repo, 'rev-parse', BRANCH)).toBe(half);
    writeFileSync(join(path, 'b.txt'), 'b\n');
    const more = await commitOf(request({ attempt: 2 }, half ?? ''));

    // Begins anew, and what was done stays.
    await prepare(request({ attempt: 3 }));
    expect(readFileSync(join(path, 'a.txt'), 'utf8')).toBe('a\n');
    expect(saved().map((ref) => gitIn(repo, 'rev-parse', ref))).toEqual([half, more]);
  });

  it('tells an error also when what was done cannot be committed, or others work beside it', async () => {
    const { files, request, prepare, workspaces } = setUp();
    const commitOf = (wanted: WorkspaceRequest): Promise<string | null> =>
      workspaces.conclude(wanted, { status: 'error', keeps: true }, async (commit) => commit);
    const path = await prepare(request());
    writeFileSync(join(path, 'x'), 'x');
    files.open({ run: RUN, step: 'docs', attempt: 1, token: 't', worker: 'w' });
    files.markPrepared({ run: RUN, step: 'docs', attempt: 1, worker: 'w' });
    expect(await commitOf(request())).toBeNull();
    files.close({ run: RUN, step: 'docs', attempt: 1, worker: 'w' });
    rmSync(join(path, '.git'));
    expect(await commitOf(request())).toBeNull();
    await expect(
      workspaces.conclude(request(), { status: 'error', keeps: true }, () => Promise.reject(new Error('unreachable'))),
    ).rejects.toThrow('unreachable');
  });

  it('runs no hook and no monitor of the repository', async () => {
    const { repo, request, prepare, pass, workspaces } = setUp();
    const marker = join(repo, '.git', 'marker');
    const hooks = join(repo, 'hooks');
    mkdirSync(hooks);
    const names = [
      'post-checkout',
      'pre-commit',
      'commit-msg',
      'prepare-commit-msg',
      'post-commit',
      'reference-transaction',
      'post-index-change',
      'fsmonitor',
    ];
    for (const name of names) {
      for (const folder of [hooks, join(repo, '.git', 'hooks')]) {
        writeFileSync(join(folder, name), `#!/bin/sh\necho ${name} >> '${marker}'\n`);
        chmodSync(join(folder, name), 0o755);
      }
    }
    gitIn(repo, 'config', 'core.hooksPath', hooks);
    gitIn(repo, 'config', 'core.fsmonitor', join(hooks, 'fsmonitor'));
    gitIn(repo, 'config', 'commit.gpgSign', 'true');
    gitIn(repo, 'config', 'gpg.program', join(hooks, 'post-commit'));
    rmSync(marker, { force: true });
    const path = await prepare(request());
    writeFileSync(join(path, 'x'), 'x');
    await pass(request());
    await prepare(request({ attempt: 2 }));
    await workspaces.remove(repo, RUN);
    expect(existsSync(marker)).toBe(false);
  });

  it.each([
    '-f',
    '--orphan=evil',
    'a..b',
    'HEAD',
    '@{-1}',
    'HEAD:refs/heads/main',
    'refs/heads/x',
    'x.lock',
    'a b',
    '',
    '/a',
    'a\n',
    `a${'b'.repeat(300)}`,
  ])('refuses the branch name %j', async (branch) => {
    const { repo, base, request, prepare } = setUp();
    // So that "the branch before this one" means something.
    gitIn(repo, 'switch', '-q', '-c', 'earlier');
    gitIn(repo, 'switch', '-q', 'main');
    const before = gitIn(repo, 'for-each-ref');
    const hostile = request({ workspace: { repo, base, branch, commit: base } });
    await expect(prepare(hostile)).rejects.toMatchObject({ code: 'WORKSPACE_INVALID' });
    expect(gitIn(repo, 'for-each-ref')).toBe(before);
  });

  it('refuses a branch that somebody else made, and a run id that is a path', async () => {
    const { repo, base, request, prepare } = setUp();
    gitIn(repo, 'branch', 'theirs');
    for (const branch of ['theirs', 'main']) {
      const taken = request({ workspace: { repo, base, branch, commit: base } });
      await expect(prepare(taken)).rejects.toThrow(/exists already and was not made by run demo-1/);
    }
    await expect(prepare(request({ run: '../../x' }))).rejects.toMatchObject({ code: 'WORKSPACE_INVALID' });
  });

  it('refuses commits that are none or not there, and folders that are no repository', async () => {
    const { repo, base, request, prepare } = setUp();
    await expect(prepare(request({}, '--all'))).rejects.toThrow(/workspace\.commit is no commit id/);
    await expect(prepare(request({}, 'a'.repeat(40)))).rejects.toThrow(/was the run started on another one\?/);
    const elsewhere = request({ workspace: { repo: aFolder(), base, branch: BRANCH, commit: base } });
    await expect(prepare(elsewhere)).rejects.toMatchObject({ code: 'WORKSPACE_INVALID' });
    const relative = request({ workspace: { repo: 'x', base, branch: BRANCH, commit: base } });
    await expect(prepare(relative)).rejects.toThrow(/not absolute/);
    const outside = aFolder();
    symlinkSync(outside, join(repo, '.coord'));
    await expect(prepare(request())).rejects.toMatchObject({ code: 'WORKSPACE_INVALID' });
    expect(readdirSync(outside)).toEqual([]);
  });
});

describe('a worktree with an attempt in it that was told to end', () => {
  const other = { run: RUN, step: 'loser', attempt: 1, token: 't', worker: 'other' };

  it('is neither shared nor reset before that has ended', async () => {
    const { base, request, prepare, files } = setUp();
    const looks: number[] = [];
    const sleep: Clock['sleep'] = (ms, signal) => {
      looks.push(ms);
      return systemClock.sleep(ms, signal);
    };
    const waiting = new Workspaces({ clock: { ...systemClock, sleep }, attempts: files });
    const path = await prepare(request({ step: 'loser', token: 't', worker: 'other' }));
    files.open(other);
    files.markPrepared(other);
    files.markEnding(other);
    writeFileSync(join(path, 'late'), 'l');
    files.open(request());
    let ready = false;
    const preparing = waiting.prepare(request(), new AbortController().signal).then(() => {
      ready = true;
    });
    while (looks.length < 2) await systemClock.sleep(5);
    expect(ready).toBe(false);
    expect(existsSync(join(path, 'late'))).toBe(true);
    files.close(other);
    await preparing;
    expect(existsSync(join(path, 'late'))).toBe(false);
    expect(gitIn(path, 'rev-parse', 'HEAD')).toBe(base);
  });

  it('is not waited for after the end of the attempt that waits', async () => {
    const { request, workspaces, files } = setUp();
    files.open(other);
    files.markEnding(other);
    files.open(request());
    await expect(workspaces.prepare(request(), AbortSignal.abort())).rejects.toThrow(/gave up waiting for an earlier/);
  });
});

describe('removing a worktree', () => {
  it('keeps what is not committed, and every branch', async () => {
    const { repo, request, prepare, pass, workspaces, saved } = setUp();
    const path = await prepare(request());
    writeFileSync(join(path, 'x'), 'x');
    const commit = await pass(request());
    writeFileSync(join(path, 'late'), 'l');
    await workspaces.remove(repo, RUN);
    await workspaces.remove(repo, RUN);
    expect(existsSync(path)).toBe(false);
    expect(gitIn(repo, 'rev-parse', BRANCH)).toBe(commit);
    expect(saved()).toEqual([`refs/coord/${RUN}/build-1`]);
    expect(gitIn(repo, 'show', `refs/coord/${RUN}/build-1:late`)).toBe('l');
    expect(gitIn(repo, 'worktree', 'list').split('\n')).toHaveLength(1);
  });

  it('keeps a commit that no branch holds', async () => {
    const { repo, request, prepare, workspaces, saved } = setUp();
    const path = await prepare(request());
    gitIn(path, 'checkout', '-q', '--detach');
    gitIn(path, 'commit', '-q', '--allow-empty', '-m', 'loose');
    const loose = gitIn(path, 'rev-parse', 'HEAD');
    await workspaces.remove(repo, RUN);
    expect(saved().map((ref) => gitIn(repo, 'rev-parse', ref))).toEqual([loose]);
  });

  it('refuses while an attempt works in it, and when it holds another repository', async () => {
    const { repo, request, prepare, workspaces, files } = setUp();
    const path = await prepare(request());
    const name = { run: RUN, step: 'build', attempt: 1, token: 't', worker: 'w' };
    files.open(name);
    await expect(workspaces.remove(repo, RUN)).rejects.toThrow(/step "build" of run demo-1 still works/);
    files.close(name);
    mkdirSync(join(path, 'inner'));
    gitIn(join(path, 'inner'), 'init', '-q');
    gitIn(join(path, 'inner'), 'commit', '-q', '--allow-empty', '-m', 'i');
    await expect(workspaces.remove(repo, RUN)).rejects.toThrow(/inner is a repository of its own/);
    expect(existsSync(join(path, 'inner', '.git'))).toBe(true);
  });
});

describe('openRepository', () => {
  it('says where it stands', async () => {
    const { repo, base } = aRepository();
    mkdirSync(join(repo, 'sub'));
    expect(await openRepository(join(repo, 'sub'), systemClock)).toEqual({
      top: repo,
      head: base,
      currentBranch: 'main',
      dirty: false,
    });
    writeFileSync(join(repo, 'sub', 'x'), 'x');
    gitIn(repo, 'checkout', '-q', '--detach');
    expect(await openRepository(repo, systemClock)).toEqual({
      top: repo,
      head: base,
      currentBranch: null,
      dirty: true,
    });
  });

  it('needs a repository with a commit', async () => {
    const folder = aFolder();
    await expect(openRepository(folder, systemClock)).rejects.toThrow(/is not in the working tree of a git repository/);
    await expect(openRepository(join(folder, 'none'), systemClock)).rejects.toMatchObject({
      code: 'WORKSPACE_INVALID',
    });
    gitIn(folder, 'init', '-q');
    await expect(openRepository(folder, systemClock)).rejects.toThrow(/has no commit yet/);
  });
});
