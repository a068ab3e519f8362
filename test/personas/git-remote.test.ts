import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { GitScene, failed, rejected } from './git-scene.js';
import { gitIn } from './repositories.js';
import { aFolder } from './requests.js';

// Without the identity and settings of whoever runs the tests.
for (const name of ['HOME', 'XDG_CONFIG_HOME']) process.env[name] = aFolder();

/** The remote once more, as `far`: over an ssh that the user chose, which does something first. */
function farAway(scene: GitScene, first: string): void {
  const ssh = join(aFolder(), 'ssh');
  writeFileSync(ssh, `#!/bin/sh\nfor command; do :; done\n${first}\neval "$command"\n`, { mode: 0o755 });
  writeFileSync(
    join(process.env['HOME'] ?? '', '.gitconfig'),
    `[core]\n\tsshCommand = ${ssh}\n[ssh]\n\tvariant = simple\n`,
  );
  gitIn(scene.repo, 'remote', 'add', 'far', `ssh://git@far.example${scene.remote}`);
}

beforeEach(() => {
  rmSync(join(process.env['HOME'] ?? '', '.gitconfig'), { force: true });
});

describe('push', () => {
  it("pushes the run's head to its branch or the named one, and may be repeated", async () => {
    const scene = new GitScene();
    const head = await scene.work({ x: '1' });
    const result = { operation: 'push', remote: 'origin', branch: scene.branch, commit: head };
    expect(await scene.passed({ operation: 'push' })).toEqual({ ...result, previous: null, changed: true });
    expect(await scene.passed({ operation: 'push' })).toEqual({ ...result, previous: head, changed: false });
    await scene.passed({ operation: 'push', branch: 'feature' });
    expect([scene.atRemote(scene.branch), scene.atRemote('feature')]).toEqual([head, head]);
    expect(scene.atRemote('main')).toBe(scene.base);
  });

  it('replaces what the run itself pushed before, and never what others pushed', async () => {
    const scene = new GitScene();
    const first = await scene.work({ x: '1' });
    await scene.passed({ operation: 'push', branch: 'feature' });
    gitIn(scene.repo, 'branch', 'ahead', scene.base);
    await scene.passed({ operation: 'switch', branch: 'ahead' });
    const second = await scene.work({ y: '2' });
    expect(await scene.passed({ operation: 'push', branch: 'feature' })).toMatchObject({ previous: first });
    expect(scene.atRemote('feature')).toBe(second);
    const theirs = scene.pushFromElsewhere('feature', { theirs: 't' });
    await scene.work({ z: '3' });
    const refused = rejected(/which the run's branch does not contain and the run did not push; use "sync"/);
    expect(await scene.git({ operation: 'push', branch: 'feature' })).toMatchObject(refused);
    gitIn(scene.repo, 'fetch', '-q');
    expect(await scene.git({ operation: 'push', branch: 'feature' })).toMatchObject(refused);
    expect(scene.atRemote('feature')).toBe(theirs);
    await scene.passed({ operation: 'sync', branch: 'feature' });
    await scene.passed({ operation: 'push', branch: 'feature' });
    expect(gitIn(scene.remote, 'log', '--format=%s', 'feature').split('\n').slice(0, 2)).toEqual([
      'build: builder (attempt 1)',
      'from elsewhere',
    ]);
  });

  it.each(['main', 'master', 'trunk'])('refuses the protected branch %s', async (branch) => {
    const scene = new GitScene();
    if (branch === 'trunk') {
      gitIn(scene.repo, 'push', '-q', 'origin', 'main:trunk');
      gitIn(scene.remote, 'symbolic-ref', 'HEAD', 'refs/heads/trunk');
    }
    const before = scene.atRemote(branch);
    const head = await scene.work({ x: '1' });
    expect(await scene.git({ operation: 'push', branch })).toMatchObject(rejected(/ is protected; push to another/));
    const listed = { persona: { protected: [branch] } };
    expect(await scene.git({ operation: 'push', branch }, listed)).toMatchObject(rejected(/ is protected/));
    expect(scene.atRemote(branch)).toBe(before);
    await scene.passed({ operation: 'push', branch }, { persona: { protected: [] } });
    expect(scene.atRemote(branch)).toBe(head);
  });

  it('takes the no of the remote as a verdict, and an unreachable one as an error', async () => {
    const scene = new GitScene();
    await scene.work({ x: '1' });
    const hook = join(scene.remote, 'hooks', 'pre-receive');
    writeFileSync(hook, '#!/bin/sh\necho "not on a friday" >&2\nexit 1\n');
    chmodSync(hook, 0o755);
    expect(await scene.git({ operation: 'push' })).toMatchObject(
      rejected(
        /did not take branch "coord\/demo-1": \[remote rejected\] \(pre-receive hook declined\) \(not on a friday\)$/,
      ),
    );
    rmSync(scene.remote, { recursive: true });
    expect(await scene.git({ operation: 'push' })).toMatchObject(failed(/does not appear to be a git repository/));
  });
});

describe('ssh', () => {
  it('is the one that the user chose', async () => {
    const scene = new GitScene();
    const head = await scene.work({ x: '1' });
    farAway(scene, '');
    expect(await scene.passed({ operation: 'push', remote: 'far' })).toMatchObject({ commit: head });
    expect(scene.atRemote(scene.branch)).toBe(head);
  });

  it('asks nothing when it is the usual one', async () => {
    const scene = new GitScene();
    await scene.work({ x: '1' });
    const said = join(aFolder(), 'said');
    const bin = aFolder();
    writeFileSync(join(bin, 'ssh'), `#!/bin/sh\necho "$*" >> '${said}'\nexit 255\n`, { mode: 0o755 });
    gitIn(scene.repo, 'remote', 'add', 'far', 'ssh://git@far.example/x.git');
    const path = process.env['PATH'] ?? '';
    process.env['PATH'] = `${bin}:${path}`;
    try {
      expect(await scene.git({ operation: 'push', remote: 'far' })).toMatchObject({ status: 'error' });
    } finally {
      process.env['PATH'] = path;
    }
    expect(readFileSync(said, 'utf8')).toMatch(/-oBatchMode=yes .*git@far\.example/);
  });
});

describe('a push that another one overtakes', () => {
  it('moves nothing that stands elsewhere than it was seen', async () => {
    const scene = new GitScene();
    const theirs = scene.pushFromElsewhere('theirs', { t: 't' });
    await scene.work({ x: '1' });
    farAway(
      scene,
      `case "$command" in git-receive-pack*) git -C '${scene.remote}' update-ref refs/heads/feature ${theirs};; esac`,
    );
    expect(await scene.git({ operation: 'push', remote: 'far', branch: 'feature' })).toMatchObject(
      failed(/did not take branch "feature": \[rejected\] \(stale info\)$/),
    );
    expect(scene.atRemote('feature')).toBe(theirs);
  });

  it('is an error to try again, and takes nothing away', async () => {
    const scene = new GitScene();
    const theirs = scene.pushFromElsewhere('theirs', { t: 't' });
    await scene.work({ x: '1' });
    const hook = join(scene.remote, 'hooks', 'update');
    writeFileSync(hook, `#!/bin/sh\ngit update-ref refs/heads/feature ${theirs}\n`);
    chmodSync(hook, 0o755);
    expect(await scene.git({ operation: 'push', branch: 'feature' })).toMatchObject(
      failed(/^remote "origin" did not take branch "feature": \[remote rejected\]/),
    );
    expect(scene.atRemote('feature')).toBe(theirs);
    rmSync(hook);
    expect(await scene.git({ operation: 'push', branch: 'feature' })).toMatchObject(rejected(/use "sync"/));
  });
});

describe('sync', () => {
  it("fetches the remote's default branch, and moves forward when the run has no commits", async () => {
    const scene = new GitScene();
    const theirs = scene.pushFromElsewhere('main', { theirs: 't' });
    expect(await scene.passed({ operation: 'sync' })).toEqual({
      operation: 'sync',
      remote: 'origin',
      branch: 'main',
      commit: theirs,
      onto: theirs,
      previous: scene.base,
      changed: true,
    });
    const mine = await scene.work({ mine: 'm' });
    expect(await scene.passed({ operation: 'sync' })).toMatchObject({ commit: mine, changed: false });
    const later = scene.pushFromElsewhere('main', { later: 'l' });
    await scene.passed({ operation: 'sync', branch: 'main', remote: 'origin' });
    expect(scene.at(`${scene.commit}^`)).toBe(later);
    expect(scene.at('main')).toBe(scene.base);
    expect(await scene.git({ operation: 'sync', branch: 'nowhere' })).toMatchObject(
      rejected(/^remote "origin" has no branch "nowhere"$/),
    );
  });
});

describe('a remote', () => {
  it('takes remotes by the name of a configured one only', async () => {
    const scene = new GitScene();
    await scene.work({ x: '1' });
    const remotes = [
      scene.remote,
      'https://x/y',
      'git@host:x',
      '--mirror',
      'ext::sh -c id',
      '../remote.git',
      '.',
      'a b',
    ];
    for (const remote of remotes) {
      for (const operation of ['push', 'sync']) {
        expect(await scene.git({ operation, remote })).toMatchObject(rejected(/^remote "/));
      }
    }
    expect(await scene.git({ operation: 'push', remote: 'orign' })).toMatchObject(
      rejected(/^the repository has no remote "orign": it has "origin"\. Did you mean "origin"\?$/),
    );
  });

  it.each([
    '--upload-pack=touch pwn',
    '-oProxyCommand=touch pwn',
    'ssh://-oProxyCommand=x/y',
    'ext::sh -c "touch pwn"',
  ])('does not connect to the configured address %j', async (address) => {
    const scene = new GitScene();
    gitIn(scene.repo, 'config', 'remote.evil.url', address);
    gitIn(scene.repo, 'config', 'remote.half.url', scene.remote);
    gitIn(scene.repo, 'config', 'remote.half.pushUrl', address);
    for (const params of [
      { operation: 'push', remote: 'evil' },
      { operation: 'sync', remote: 'evil' },
      { operation: 'push', remote: 'half' },
    ]) {
      const reply = await scene.git(params);
      expect(reply).toMatchObject(rejected(/^the address of remote "(?:evil|half)" /));
      expect(reply.error?.message).not.toContain('pwn');
    }
    expect([scene.path, scene.repo].some((folder) => existsSync(join(folder, 'pwn')))).toBe(false);
  });

  it('sees through rewritten addresses, and refuses helpers and several addresses', async () => {
    const scene = new GitScene();
    gitIn(scene.repo, 'config', 'url.ext::sh -c id .insteadOf', 'https://harmless/');
    gitIn(scene.repo, 'config', 'remote.rewritten.url', 'https://harmless/x');
    gitIn(scene.repo, 'config', 'remote.helped.url', scene.remote);
    gitIn(scene.repo, 'config', 'remote.helped.vcs', 'evil');
    gitIn(scene.repo, 'config', 'remote.two.url', scene.remote);
    gitIn(scene.repo, 'config', '--add', 'remote.two.url', scene.remote);
    for (const [remote, why] of [
      ['rewritten', /of no allowed kind|holds spaces/],
      ['helped', /helper program/],
      ['two', /several addresses/],
    ] as const) {
      expect(await scene.git({ operation: 'sync', remote })).toMatchObject(rejected(why));
    }
  });

  it('keeps credentials out of everything it says, and never asks', async () => {
    const scene = new GitScene();
    await scene.work({ x: '1' });
    gitIn(scene.repo, 'config', 'remote.secret.url', 'https://user:hunter2@127.0.0.1:1/x.git');
    gitIn(scene.repo, 'config', 'remote.push.url', scene.remote);
    gitIn(scene.repo, 'config', 'remote.push.pushUrl', 'https://user:hunter2@127.0.0.1:1/x.git');
    for (const remote of ['secret', 'push']) {
      const reply = await scene.git({ operation: 'push', remote });
      expect(reply).toMatchObject(failed(/127\.0\.0\.1/));
      expect(JSON.stringify(reply)).not.toMatch(/hunter2/);
    }
  });
});
