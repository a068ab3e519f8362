/**
 * `npm run chaos -- --minutes N [--seed S] …`: kills, stalls and cuts everything for a time, and checks what is left. Its
 * last line says what it came to; the exit code is 0 only when nothing was lost, duplicated or stuck and enough happened.
 */
import { createRequire } from 'node:module';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Figures, lastLine, summary } from './figures.js';
import { type Options, readOptions } from './options.js';
import { reportOn } from './report.js';
import { buildShim } from './server.js';
import { Session } from './session.js';

const BUILD = fileURLToPath(new URL('../..', import.meta.url));
const SHIM = fileURLToPath(new URL('fsync-shim.c', import.meta.url));
const SHOWN = 12;

export async function runChaos(options: Options, say: (line: string) => void): Promise<Figures> {
  // What was started goes with this process, however it is told to go.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
  const build = options.build === null ? BUILD : resolve(options.build);
  linkPackages(build);
  const folder = options.keep ?? mkdtempSync(join(tmpdir(), 'coord-chaos-'));
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const shim = await buildShim(SHIM, folder);
  const session = new Session(options, { folder, build, shim, say });
  const outcome = await session.run();
  const figures = reportOn(outcome, session.progress, options);
  const good = isGood(figures);
  if (options.keep === null && good) rmSync(folder, { recursive: true, force: true });
  else say(`everything that was written is in ${folder}`);
  if (options.json !== null) writeFileSync(options.json, `${JSON.stringify(figures, null, 2)}\n`);
  return figures;
}

function isGood({ lost, duplicated, stuck, vacuous }: Figures): boolean {
  return lost + duplicated + stuck === 0 && vacuous.length === 0;
}

/** A build elsewhere finds the packages that this one finds. */
function linkPackages(build: string): void {
  const target = join(build, 'node_modules');
  const packages = dirname(dirname(createRequire(import.meta.url).resolve('ioredis/package.json')));
  if (!existsSync(target) && dirname(build) !== dirname(packages)) symlinkSync(packages, target);
}

/** Prints what came of it; returns whether all is well. */
export function tell(figures: Figures, say: (line: string) => void): boolean {
  say(summary(figures));
  for (const { invariant, counts, what } of figures.violations.slice(0, SHOWN)) say(`${invariant} ${counts}: ${what}`);
  if (figures.violations.length > SHOWN) say(`and ${String(figures.violations.length - SHOWN)} more`);
  for (const why of figures.vacuous) say(`proves nothing: ${why}`);
  say(lastLine(figures));
  return isGood(figures);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const good = tell(await runChaos(readOptions(process.argv.slice(2)), say), say);
  process.exit(good ? 0 : 1);
}
