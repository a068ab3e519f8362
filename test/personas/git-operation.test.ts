import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import { RUN_ID } from '../../src/core/ids.js';
import { fileSafe } from '../../src/personas/attempt-files.js';
import { runnerFor } from '../../src/personas/runners.js';
import { failed, GitScene, rejected, theGitPersona } from './git-scene.js';
import { gitIn } from './repositories.js';
import { aContext, aFolder, aRequest } from './requests.js';

// Without the identity and settings of whoever runs the tests.
for (const name of ['HOME', 'XDG_CONFIG_HOME']) process.env[name] = aFolder();

describe('branch', () => {
  it("makes a branch at the run's head, or where it is told to, and may be repeated", async () => {
    const scene = new GitScene();
    const head = await scene.work({ x: '1' });
    const made = { operation: 'branch', branch: 'feature/x', commit: head };
    expect(await scene.passed({ operation: 'branch', branch: 'feature/x' })).toEqual({ ...made, changed: true });
    expect(await scene.passed({ operation: 'branch', branch: 'feature/x' })).toEqual({ ...made, changed: false });
    expect(scene.at('refs/heads/feature/x')).toBe(head);
    gitIn(scene.repo, 'tag', 'v1', scene.base);
    for (const [branch, from] of [
      ['a', 'main'],
      ['b', 'v1'],
      ['c', scene.base.slice(0, 10)],
      ['d', 'origin/main'],
    ] as const) {
      await scene.passed({ operation: 'branch', branch, from });
      expect(scene.at(`refs/heads/${branch}`)).toBe(scene.base);
    }
    expect(scene.at(scene.branch)).toBe(head);
  });

  it('never moves a branch, and says what to do instead', async () => {
    const scene = new GitScene();
    await scene.work({ x: '1' });
    expect(await scene.git({ operation: 'branch', branch: 'main' })).toMatchObject(
      rejected(
        /^branch "main" exists already, at [0-9a-f]{12} and not at .* continue from it with the operation "switch"$/,
      ),
    );
    expect(scene.at('main')).toBe(scene.base);
    expect(await scene.git({ operation: 'branch', branch: 'main/x' })).toMatchObject(
      rejected(/^there is a branch "main", so none can be called "main\/x"/),
    );
    expect(await scene.git({ operation: 'branch', branch: 'coord/other-1' })).toMatchObject(rejected(/another run/));
    expect(await scene.git({ operation: 'branch', branch: 'y', from: 'mian' })).toMatchObject(
      rejected(/^there is no branch, tag or commit "mian"\. Did you mean "main"\?/),
    );
  });
});

describe('switch', () => {
  it("puts the run's branch at another one, keeps what it leaves, and does not move the other", async () => {
    const scene = new GitScene();
    gitIn(scene.repo, 'switch', '-q', '-c', 'other');
    writeFileSync(join(scene.repo, 'theirs'), 't');
    gitIn(scene.repo, 'add', '-A');
    gitIn(scene.repo, 'commit', '-q', '-m', 'theirs');
    gitIn(scene.repo, 'switch', '-q', 'main');
    const other = scene.at('other');
    const mine = await scene.work({ mine: 'm' });
    const result = { operation: 'switch', branch: 'other', commit: other };
    expect(await scene.passed({ operation: 'switch', branch: 'other' })).toEqual({
      ...result,
      previous: mine,
      changed: true,
    });
    expect(scene.commit).toBe(other);
    expect([existsSync(join(scene.path, 'theirs')), existsSync(join(scene.path, 'mine'))]).toEqual([true, false]);
    expect(gitIn(scene.path, 'symbolic-ref', '--short', 'HEAD')).toBe(scene.branch);
    expect(scene.at(`refs/coord/${scene.run}/git-1`)).toBe(mine);
    const next = await scene.work({ more: 'x' });
    expect(scene.at(`${next}^`)).toBe(other);
    expect(scene.at('other')).toBe(other);
  });

  it('takes a branch of a remote as it was last fetched', async () => {
    const scene = new GitScene();
    const theirs = scene.pushFromElsewhere('shared', { s: '1' });
    expect(await scene.git({ operation: 'switch', branch: 'shared' })).toMatchObject(rejected(/fetch it with "sync"/));
    gitIn(scene.repo, 'fetch', '-q');
    await scene.passed({ operation: 'switch', branch: 'shared', remote: 'origin' });
    expect(scene.commit).toBe(theirs);
  });

  it('waits its turn while another step has unfinished changes', async () => {
    const scene = new GitScene();
    await scene.work({ x: '1' });
    const persona = runnerFor(theGitPersona(), { clock: systemClock });
    writeFileSync(join(scene.path, 'unfinished'), 'u');
    const { repo, base, branch, commit, run, path } = scene;
    for (const params of [
      { operation: 'switch', branch: 'main' },
      { operation: 'merge', branch: 'main' },
      { operation: 'rebase', branch: 'main' },
    ]) {
      const request = aRequest({ run, step: 'git', params, workspace: { repo, base, branch, commit } });
      expect(await persona.run(request, aContext({ directory: path }))).toMatchObject(
        failed(/let this step depend on it/),
      );
    }
    expect(readFileSync(join(path, 'unfinished'), 'utf8')).toBe('u');
  });
});

describe('commit', () => {
  it('sums up the commits of passed steps under its message, with nothing of the attempt in it', async () => {
    const scene = new GitScene();
    await scene.work({ one: '1' }, 'first');
    const last = await scene.work({ two: '2' }, 'fix[2]/qa');
    const result = await scene.passed({ operation: 'commit', message: 'Add one and two\n\nBecause.\n' });
    expect(result).toEqual({
      operation: 'commit',
      branch: scene.branch,
      commit: scene.commit,
      summed: 2,
      changed: true,
    });
    expect(scene.log()).toEqual(['Add one and two', 'first']);
    expect(gitIn(scene.repo, 'show', '--name-only', '--format=%an <%ae>%n%B', scene.commit)).toBe(
      'coord <coord@localhost>\nAdd one and two\n\nBecause.\n\nCoord-Run: demo-1\nCoord-Step: git\n\n\none\ntwo',
    );
    expect(scene.at(`refs/coord/${scene.run}/git-1`)).toBe(last);
    expect(gitIn(scene.path, 'status', '--porcelain')).toBe('');
  });

  it('gives the same commit when it is repeated, and none when there is nothing to commit', async () => {
    const scene = new GitScene();
    const nothing = await scene.passed({ operation: 'commit', message: 'Nothing' });
    expect(nothing).toEqual({ operation: 'commit', branch: scene.branch, commit: scene.base, changed: false });
    const before = await scene.work({ one: '1' });
    const first = await scene.passed({ operation: 'commit', message: 'One' });
    const made = scene.commit;
    scene.commit = before;
    expect(await scene.passed({ operation: 'commit', message: 'One' })).toEqual(first);
    expect(scene.commit).toBe(made);
    expect(await scene.passed({ operation: 'commit', message: 'Again' })).toMatchObject({
      commit: made,
      changed: false,
    });
  });

  it('leaves alone what others hold: pushed commits, branches and what an agent committed itself', async () => {
    const scene = new GitScene();
    await scene.work({ one: '1' }, 'one');
    await scene.passed({ operation: 'push' });
    await scene.work({ two: '2' }, 'two');
    await scene.passed({ operation: 'branch', branch: 'kept' });
    await scene.work({ three: '3' }, 'three');
    await scene.passed({ operation: 'commit', message: 'Three' });
    expect(scene.log()).toEqual(['Three', 'two: builder (attempt 1)', 'one: builder (attempt 1)', 'first']);
    expect(await scene.passed({ operation: 'push' })).toMatchObject({ changed: true });
  });

  it('takes unfinished changes too, as the user configured', async () => {
    const scene = new GitScene();
    await scene.work({ x: '1' });
    gitIn(scene.repo, 'config', 'user.name', 'Ada');
    gitIn(scene.repo, 'config', 'user.email', 'ada@example.com');
    writeFileSync(join(scene.path, 'unfinished'), 'u');
    const { repo, base, branch, commit, run, path } = scene;
    const params = { operation: 'commit', message: 'All' };
    const request = aRequest({ run, step: 'git', params, workspace: { repo, base, branch, commit } });
    await runnerFor(theGitPersona(), { clock: systemClock }).run(request, aContext({ directory: path }));
    expect(gitIn(repo, 'show', '--name-only', '--format=%an', scene.branch)).toBe('Ada\n\nunfinished\nx');
  });
});

describe('merge', () => {
  it('merges without fast-forward, deterministically, and not twice', async () => {
    const scene = new GitScene();
    await scene.passed({ operation: 'branch', branch: 'side' });
    const side = new GitScene(scene, 'side-1');
    const theirs = await side.work({ theirs: 't' });
    const before = await scene.work({ mine: 'm' });
    const params = { operation: 'merge', branch: 'coord/side-1', message: 'Take theirs' };
    const result = await scene.passed(params);
    expect(result).toEqual({
      operation: 'merge',
      branch: 'coord/side-1',
      commit: scene.commit,
      merged: theirs,
      changed: true,
    });
    expect(gitIn(scene.repo, 'show', '-s', '--format=%P%n%B', scene.commit)).toBe(
      `${before} ${theirs}\nTake theirs\n\nCoord-Run: demo-1\nCoord-Step: git`,
    );
    expect(await scene.passed(params)).toMatchObject({ commit: scene.commit, changed: false });
    const made = scene.commit;
    scene.commit = before;
    await scene.passed(params);
    expect(scene.commit).toBe(made);
  });

  it('gives up a merge with conflicts, names the files and leaves nothing behind', async () => {
    const scene = new GitScene();
    const side = new GitScene(scene, 'side-1');
    await side.work({ 'a.txt': 'theirs\n', 'b c.txt': '1' });
    const head = await scene.work({ 'a.txt': 'mine\n', 'b c.txt': '2' });
    expect(await scene.git({ operation: 'merge', branch: 'coord/side-1' })).toEqual({
      status: 'fail',
      result: {
        operation: 'merge',
        commit: head,
        branch: 'coord/side-1',
        changed: false,
        conflicts: ['a.txt', 'b c.txt'],
        conflictCount: 2,
      },
      error: {
        class: 'REJECTED',
        message: '"coord/side-1" could not be merged: conflicts in a.txt, b c.txt; nothing was changed',
      },
      artifacts: [],
    });
    expect(gitIn(scene.path, 'status', '--porcelain')).toBe('');
    expect(existsSync(join(gitIn(scene.path, 'rev-parse', '--absolute-git-dir'), 'MERGE_HEAD'))).toBe(false);
    expect(scene.at(scene.branch)).toBe(head);
  });

  it('refuses a branch that has nothing in common', async () => {
    const scene = new GitScene();
    const tree = gitIn(scene.repo, 'write-tree');
    gitIn(scene.repo, 'branch', 'stranger', gitIn(scene.repo, 'commit-tree', '-m', 'x', tree));
    for (const operation of ['merge', 'rebase']) {
      expect(await scene.git({ operation, branch: 'stranger' })).toMatchObject(rejected(/no commit in common/));
    }
  });
});

describe('rebase', () => {
  it("puts the run's commits on top, deterministically, and keeps the old ones", async () => {
    const scene = new GitScene();
    const side = new GitScene(scene, 'side-1');
    const theirs = await side.work({ theirs: 't' });
    const mine = await scene.work({ mine: 'm' });
    const params = { operation: 'rebase', branch: 'coord/side-1' };
    const result = await scene.passed(params);
    const made = scene.commit;
    expect(result).toEqual({
      operation: 'rebase',
      branch: 'coord/side-1',
      onto: theirs,
      commit: made,
      previous: mine,
      changed: true,
    });
    expect(scene.at(`${made}^`)).toBe(theirs);
    expect(scene.at(`refs/coord/${scene.run}/git-1`)).toBe(mine);
    expect(await scene.passed(params)).toMatchObject({ commit: made, changed: false });
    scene.commit = mine;
    await scene.passed(params);
    expect(scene.commit).toBe(made);
  });

  it('gives up a rebase with conflicts and stands where it stood', async () => {
    const scene = new GitScene();
    const side = new GitScene(scene, 'side-1');
    await side.work({ 'a.txt': 'theirs\n' });
    const head = await scene.work({ 'a.txt': 'mine\n' });
    const reply = await scene.git({ operation: 'rebase', branch: 'coord/side-1' });
    expect(reply).toMatchObject(rejected(/could not be put on top of "coord\/side-1": conflicts in a\.txt; nothing/));
    expect(reply.result).toMatchObject({ conflicts: ['a.txt'], commit: head });
    expect(gitIn(scene.path, 'symbolic-ref', '--short', 'HEAD')).toBe(scene.branch);
    expect(gitIn(scene.path, 'status', '--porcelain')).toBe('');
    expect(scene.at(scene.branch)).toBe(head);
  });
});

/** A commit of one more file, made long ago. */
function anOldCommit(repo: string, parent: string, file: string): string {
  writeFileSync(join(repo, file), file);
  gitIn(repo, 'add', '-A');
  const tree = gitIn(repo, 'write-tree');
  gitIn(repo, 'rm', '-q', '-f', file);
  const who = 'u <u@x> 1000000000 +0000';
  const text = join(aFolder(), 'commit');
  writeFileSync(text, `tree ${tree}\nparent ${parent}\nauthor ${who}\ncommitter ${who}\n\n${file}\n`);
  return gitIn(repo, 'hash-object', '-t', 'commit', '-w', text);
}

describe('the time of a commit', () => {
  it.each([
    { operation: 'commit', message: 'x' },
    { operation: 'merge', branch: 'one' },
    { operation: 'rebase', branch: 'one' },
  ])('is that of the newest it stands on, so that $operation gives the same again', async (params) => {
    const { repo, base } = new GitScene();
    const old = anOldCommit(repo, gitIn(repo, 'commit-tree', '-m', 'x', `${base}^{tree}`), 'old');
    // The root is new, but nothing that is committed on.
    gitIn(repo, 'branch', 'one', anOldCommit(repo, old, 'one'));
    const two = anOldCommit(repo, old, 'two');
    const scene = new GitScene({ repo, base: two }, 'demo-2');
    const request = scene.request('git', 'git');
    const directory = await scene.workspaces.prepare(request, new AbortController().signal);
    if (params.operation === 'commit') writeFileSync(join(directory, 'new'), 'n');
    const asked = aRequest({ ...request, params });
    const reply = await runnerFor(theGitPersona(), { clock: systemClock }).run(asked, aContext({ directory }));
    expect(reply).toMatchObject({ status: 'pass', result: { changed: true } });
    const times = params.operation === 'rebase' ? '%ct' : '%ct %at';
    expect(gitIn(directory, 'show', '-s', `--format=${times}`)).toMatch(/^1000000000(?: 1000000000)?$/);
  });
});

describe('git, told hostile things', () => {
  const HOSTILE = [
    '--orphan=evil',
    '-f',
    'a..b',
    'HEAD:refs/heads/main',
    '@{-1}',
    'x.lock',
    'x'.repeat(2_000),
    'a\nb',
    'a\0b',
  ];

  it.each(HOSTILE.map((branch) => [JSON.stringify(branch).slice(0, 40), branch]))(
    'refuses the branch %s',
    async (_, branch) => {
      const scene = new GitScene();
      await scene.work({ x: '1' });
      const refs = gitIn(scene.repo, 'for-each-ref');
      for (const operation of ['branch', 'switch', 'push', 'merge', 'rebase', 'sync']) {
        expect(await scene.git({ operation, branch })).toMatchObject(rejected(/^branch ".*; choose another$/));
      }
      expect(await scene.git({ operation: 'branch', branch: 'y', from: branch })).toMatchObject(rejected(/^from "/));
      expect(gitIn(scene.repo, 'for-each-ref')).toBe(refs);
      expect(gitIn(scene.remote, 'for-each-ref', '--format=%(refname)')).toBe('refs/heads/main');
    },
  );

  it('cleans messages, and takes nothing of them for options, formats or headers', async () => {
    const scene = new GitScene();
    await scene.work({ x: '1' });
    const message = '--amend %H \u001b[31mred\u001b[0m \u202Eevil\u0000\u0007\r\nauthor x <y> 0 +0000\n\n# kept\n-f';
    await scene.passed({ operation: 'commit', message });
    const expected = '--amend %H red evil\nauthor x <y> 0 +0000\n\n# kept\n-f\n\nCoord-Run: demo-1\nCoord-Step: git';
    expect(gitIn(scene.repo, 'show', '-s', '--format=%B', scene.commit)).toBe(expected);
    const side = new GitScene(scene, 'side-1');
    await side.work({ y: '1' });
    await scene.passed({ operation: 'merge', branch: 'coord/side-1', message });
    expect(gitIn(scene.repo, 'show', '-s', '--format=%B', scene.commit)).toBe(expected);
    for (const bad of ['x'.repeat(10_000_000), '\u202E\u0000\n']) {
      expect(await scene.git({ operation: 'commit', message: bad })).toMatchObject(rejected(/^the message /));
    }
  });

  it('says so when the run has no repository, and when the operation is none', async () => {
    const persona = runnerFor(theGitPersona(), { clock: systemClock });
    expect(await persona.run(aRequest({ params: { operation: 'push' } }), aContext())).toMatchObject(
      rejected(/has no repository/),
    );
    const scene = new GitScene();
    expect(await scene.git({ operation: 'psuh' })).toMatchObject(rejected(/Did you mean "push"\?/));
  });
});

describe('steps and runs inside others', () => {
  it.each(['fix[2]/qa', 'each[0]/fix[12]/check', 'deploy[compensate]/rollback', 'p[1]/x'])(
    'work with the step %s in files, refs and commits',
    async (step) => {
      const scene = new GitScene();
      await scene.work({ x: '1' }, step);
      expect(scene.log('%(trailers:key=Coord-Step,valueonly)')[0]).toBe(step);
      await scene.workspaces.prepare(scene.request(step, 'builder'), new AbortController().signal);
      writeFileSync(join(scene.path, 'left'), 'l');
      await scene.passed({ operation: 'commit', message: 'x' }, { step });
      expect(gitIn(scene.repo, 'for-each-ref', '--format=%(refname)', `refs/coord/${scene.run}`).split('\n')).toContain(
        `refs/coord/${scene.run}/${fileSafe(step)}-1`,
      );
    },
  );

  it('a run inside a run works beside it, from where it stands, and its work can be merged', async () => {
    const outer = new GitScene();
    const stands = await outer.work({ outer: 'o' });
    const inner = new GitScene({ repo: outer.repo, base: stands }, 'demo-1.3f7g2k1a');
    expect(RUN_ID.test(inner.run)).toBe(true);
    const [theirs] = await Promise.all([inner.work({ inner: 'i' }), outer.work({ more: 'm' })]);
    expect(inner.at(`${theirs}^`)).toBe(stands);
    expect(inner.path).not.toBe(outer.path);
    expect(readFileSync(join(inner.path, 'outer'), 'utf8')).toBe('o');
    expect(existsSync(join(outer.path, 'inner'))).toBe(false);
    // Not summed up: the commit it stands on is another run's, though no branch holds it any more.
    await outer.passed({ operation: 'switch', branch: 'main' });
    expect(gitIn(outer.repo, 'branch', '--contains', stands)).toBe(`+ ${inner.branch}`);
    expect(await inner.passed({ operation: 'commit', message: 'Inner' })).toMatchObject({ summed: 1 });
    expect(inner.at(`${inner.commit}^`)).toBe(stands);
    await outer.passed({ operation: 'merge', branch: inner.branch });
    expect(readFileSync(join(outer.path, 'inner'), 'utf8')).toBe('i');
    await outer.workspaces.remove(inner.repo, inner.run);
    expect([existsSync(inner.path), existsSync(outer.path)]).toEqual([false, true]);
    expect(inner.at(inner.branch)).toBe(inner.commit);
  });

  it.each(['demo-1.lock', 'demo-1.lost-1', 'demo-1.3f7g2k1a.lock', 'a/b', '../x', '.x', 'a..b'])(
    'the run id %s is refused: it would be the name of something else here',
    async (run) => {
      const scene = new GitScene(null, 'demo-1');
      const request = { ...scene.request('build', 'builder'), run };
      await expect(scene.workspaces.prepare(request, new AbortController().signal)).rejects.toMatchObject({
        code: 'WORKSPACE_INVALID',
      });
    },
  );
});
