import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { GitScene, rejected } from './git-scene.js';
import { gitIn } from './repositories.js';
import { aFolder } from './requests.js';

// Without the identity and settings of whoever runs the tests.
for (const name of ['HOME', 'XDG_CONFIG_HOME']) process.env[name] = aFolder();

describe('the repository of a run', () => {
  it('runs no hook, monitor, driver, external diff or transport that the repository names', async () => {
    const scene = new GitScene();
    const marker = join(scene.repo, '.git', 'marker');
    const evil = join(scene.repo, '.git', 'evil');
    writeFileSync(evil, `#!/bin/sh\necho "$0 $*" >> '${marker}'\nexit 1\n`);
    chmodSync(evil, 0o755);
    const hooks = ['pre-push', 'pre-rebase', 'pre-merge-commit', 'post-merge', 'post-rewrite', 'post-checkout'];
    for (const name of [...hooks, 'pre-commit', 'commit-msg', 'reference-transaction', 'prepare-commit-msg']) {
      writeFileSync(join(scene.repo, '.git', 'hooks', name), readFileSync(evil), { mode: 0o755 });
    }
    for (const key of [
      'core.fsmonitor',
      'core.sshCommand',
      'core.askPass',
      'core.editor',
      'sequence.editor',
      'diff.external',
      'diff.evil.command',
      'diff.evil.textconv',
      'merge.evil.driver',
      'gpg.program',
      'remote.origin.uploadpack',
      'remote.origin.receivepack',
      'alias.push',
      'alias.merge',
    ])
      gitIn(scene.repo, 'config', key, evil);
    gitIn(scene.repo, 'config', 'commit.gpgSign', 'true');
    gitIn(scene.repo, 'config', 'push.gpgSign', 'true');
    gitIn(scene.repo, 'config', 'remote.far.url', 'ssh://localhost:1/x');
    const side = new GitScene(scene, 'side-1');
    await side.work({ 'a.txt': 'theirs\n' });
    await scene.work({ '.gitattributes': '* diff=evil merge=evil\n', 'a.txt': 'mine\n', mine: 'm' });
    // A driver that is not run leaves a conflict, never one side of two.
    expect(await scene.git({ operation: 'merge', branch: 'coord/side-1' })).toMatchObject(
      rejected(/conflicts in a\.txt/),
    );
    expect(await scene.git({ operation: 'rebase', branch: 'coord/side-1' })).toMatchObject(rejected(/conflicts in/));
    const other = new GitScene(scene, 'other-1');
    await other.work({ other: 'o' });
    await scene.passed({ operation: 'merge', branch: 'coord/other-1' });
    await scene.passed({ operation: 'commit', message: 'x' });
    await scene.passed({ operation: 'push' });
    await scene.passed({ operation: 'sync' });
    expect(await scene.git({ operation: 'push', remote: 'far' })).toMatchObject({ status: 'error' });
    expect(existsSync(marker)).toBe(false);
  }, 30_000);

  it('leaves submodules alone, whatever their file says', async () => {
    const scene = new GitScene();
    const evil =
      '[submodule "x"]\n\tpath = x\n\turl = ../../evil\n\tupdate = !touch pwn\n[submodule "../y"]\n\tpath = "y\r"\n\turl = -u./z\n';
    const side = new GitScene(scene, 'side-1');
    await side.work({ '.gitmodules': evil });
    gitIn(scene.repo, 'config', 'submodule.recurse', 'true');
    gitIn(scene.repo, 'config', 'push.recurseSubmodules', 'on-demand');
    gitIn(scene.repo, 'config', 'fetch.recurseSubmodules', 'true');
    await scene.passed({ operation: 'merge', branch: 'coord/side-1' });
    await scene.passed({ operation: 'push' });
    await scene.passed({ operation: 'sync' });
    expect(existsSync(join(scene.path, 'pwn'))).toBe(false);
  });
});
