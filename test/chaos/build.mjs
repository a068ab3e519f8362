/**
 * Compiles src and test/chaos into a folder (`build` when none is named) that is complete by itself: a copy of it, with a
 * few characters changed, is a build to test the chaos run with (`--build`).
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const top = fileURLToPath(new URL('../..', import.meta.url));
const target = resolve(process.argv[2] ?? join(top, 'build'));

try {
  execFileSync(join(top, 'node_modules/.bin/tsc'), ['-p', join(top, 'tsconfig.chaos.json'), '--outDir', target], {
    stdio: 'inherit',
  });
} catch {
  process.exit(1);
}
cpSync(join(top, 'src/redis/scripts'), join(target, 'src/redis/scripts'), { recursive: true });
cpSync(join(top, 'test/chaos/fsync-shim.c'), join(target, 'test/chaos/fsync-shim.c'));
writeFileSync(join(target, 'package.json'), '{ "type": "module" }\n');
const packages = join(target, 'node_modules');
if (dirname(target) !== resolve(top) && !existsSync(packages)) symlinkSync(join(top, 'node_modules'), packages);
