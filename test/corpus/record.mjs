/**
 * Records how runs lie in Redis, one file per scenario, so that later versions can prove that they read and continue
 * them: `node test/corpus/record.mjs <build folder>`. It plays scenarios.mjs on that build against a redis-server of its
 * own and writes `format-<n>/<scenario>.json`; n is what the build writes into its runs. What is recorded once is never
 * recorded again with a later build, since it is there to tell what the older one wrote.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Redis } from 'ioredis';
import { dump } from './dump.mjs';
import { SCENARIOS } from './scenarios.mjs';
import { Stage } from './stage.mjs';

const NAMESPACE = 'corpus';
/** A run says so in its hash; those of the first format that was recorded do not. */
const FIRST_FORMAT = 2;
const FEED_KEPT = 3;

const [folder, only] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: node test/corpus/record.mjs <build folder> [scenario]');

async function importBuild(build) {
  const of = (file) => import(pathToFileURL(join(resolve(build), file)).href);
  const modules = ['core/clock', 'core/failpoints', 'core/ids', 'coordinator/client', 'coordinator/coordinator'];
  const more = ['definition/load', 'redis/managed-server', 'redis/store'];
  const always = await Promise.all([...modules, ...more].map((name) => of(`${name}.js`)));
  // What older builds do not have.
  const later = await Promise.all(
    ['core/formats', 'coordinator/client-operator'].map((name) => of(`${name}.js`).catch(() => ({}))),
  );
  return Object.assign({ RUN_FORMAT: FIRST_FORMAT }, ...always, ...later);
}

function isPlayed({ name, since = FIRST_FORMAT }) {
  return since <= build.RUN_FORMAT && (only === undefined || name === only);
}

function formatOf(keys) {
  const runs = Object.entries(keys).filter(([key]) => /:run:[^:]+$/.test(key));
  const formats = new Set(runs.map(([, { hash }]) => Number(hash.format ?? FIRST_FORMAT)));
  if (formats.size !== 1) throw new Error(`runs of formats ${[...formats].join(', ')} in one scenario`);
  return [...formats][0];
}

const build = await importBuild(folder);
const scratch = mkdtempSync(join(tmpdir(), 'coord-corpus-'));
const server = build.managedServer(scratch);
const binary = execFileSync('sh', ['-c', 'command -v redis-server || command -v valkey-server'], { encoding: 'utf8' });
await build.startServer(server, { binary: binary.trim(), clock: build.systemClock });
const redis = new Redis(server.socket);
const written = new Set();
try {
  for (const scenario of SCENARIOS.filter(isPlayed)) {
    await redis.flushall();
    const stage = await Stage.open({
      build,
      address: { socket: server.socket },
      namespace: NAMESPACE,
      scenario,
      redis,
    });
    await scenario.play(stage);
    const recorded = await stage.end();
    // It is capped, so nobody relies on more than its end; the histories tell the same.
    for (const key of await redis.keys('*:feed')) await redis.xtrim(key, 'MAXLEN', FEED_KEPT);
    const { at, keys } = await dump(redis);
    const { name, about, goOn } = scenario;
    const format = formatOf(keys);
    const file = { format, scenario: name, about, namespace: NAMESPACE, recordedAt: at, ...recorded, goOn, keys };
    const target = fileURLToPath(new URL(`format-${format}/`, import.meta.url));
    mkdirSync(target, { recursive: true });
    const text = `${JSON.stringify(file, null, 2)}\n`;
    writeFileSync(join(target, `${name}.json`), text);
    written.add(target);
    console.log(`format ${format}  ${name.padEnd(12)} ${(text.length / 1024).toFixed(1)} KB`);
  }
} finally {
  const [pid] = (await redis.info('server')).match(/(?<=process_id:)\d+/) ?? [];
  redis.disconnect();
  if (pid !== undefined) process.kill(Number(pid), 'SIGKILL');
  rmSync(scratch, { recursive: true, force: true });
}
// As the gate wants files to look.
for (const target of written) execFileSync('npx', ['biome', 'format', '--write', target], { stdio: 'inherit' });
