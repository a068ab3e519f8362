/**
 * `npm run mutants [-- --seeds N] [--from N] [--skip N] [name…]`: copies the build, breaks it in one way after another, and demands that the
 * simulation finds each of them. A patch that does not fit any more is a failure too.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Mutant, MUTANTS, type Patch } from './mutants.js';

const build = fileURLToPath(new URL('../..', import.meta.url));
const LIMIT_MS = 240_000;

const { values, positionals } = parseArgs({
  options: {
    seeds: { type: 'string', default: '150' },
    from: { type: 'string', default: '1' },
    skip: { type: 'string', default: '0' },
  },
  allowPositionals: true,
});

/** Where a broken copy lies, beside what it needs to run. */
function copyBroken({ patches }: Mutant): string {
  const folder = mkdtempSync(join(tmpdir(), 'coord-mutant-'));
  cpSync(join(build, 'src'), join(folder, 'build/src'), { recursive: true });
  for (const part of ['simulation', 'invariants', 'harness'])
    cpSync(join(build, 'test', part), join(folder, 'build/test', part), { recursive: true });
  symlinkSync(join(build, '../node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
  try {
    for (const patch of patches) apply(folder, patch);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  return folder;
}

function apply(folder: string, { file, from, to }: Patch): void {
  const path = join(folder, 'build/src', `${file}.js`);
  const text = readFileSync(path, 'utf8');
  const count = text.split(from).length - 1;
  if (count !== 1) throw new Error(`the text is ${String(count)} times in ${file}: ${from}`);
  writeFileSync(
    path,
    text.replace(from, () => to),
  );
}

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly output: string;
}

/** Runs a simulation of a build to its end, or for as long as it may take. */
async function simulation(folder: string, args: readonly string[]): Promise<Ended> {
  const main = join(folder, 'test/simulation/main.js');
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => {
    child.on('close', (...ended) => resolve(ended));
  });
  clearTimeout(timer);
  return { code, signal, output };
}

/** What the simulation says of a broken program, and whether it found something that is not wrong with the sound one, too. */
async function judge(mutant: Mutant): Promise<{ readonly caught: boolean; readonly words: string }> {
  let folder: string;
  try {
    folder = copyBroken(mutant);
  } catch (error) {
    return { caught: false, words: error instanceof Error ? error.message : String(error) };
  }
  const range = ['--seeds', values.seeds, '--from', values.from, '--bare', '--focus', mutant.focus ?? ''];
  const { code, signal, output } = await simulation(join(folder, 'build'), range);
  rmSync(folder, { recursive: true, force: true });
  // One that hangs, or dies, is found as well: nobody would call that a passed run.
  if (signal !== null) return { caught: true, words: `ended by ${signal}` };
  const first = output.split('\n').find((line) => line.startsWith('seed '));
  if (code === 0 || first === undefined)
    return { caught: code !== 0, words: output.trim().split('\n').at(-1) ?? 'nothing was said' };
  const sound = await simulation(build, ['--seed', first.split(' ')[1] ?? '']);
  return sound.code === 0 ? { caught: true, words: first } : { caught: false, words: `the sound one, too: ${first}` };
}

const chosen = MUTANTS.slice(Number(values.skip)).filter(
  ({ name }) => positionals.length === 0 || positionals.some((part) => name.includes(part)),
);
let caught = 0;
for (const mutant of chosen) {
  const from = performance.now();
  const result = await judge(mutant);
  if (result.caught) caught++;
  const seconds = ((performance.now() - from) / 1_000).toFixed(1);
  console.log(
    `${result.caught ? 'caught  ' : 'SURVIVED'} ${seconds.padStart(6)} s  ${mutant.name}: ${result.words.slice(0, 300)}`,
  );
}
console.log(`${String(caught)} of ${String(chosen.length)} caught`);
process.exitCode = caught === chosen.length && caught > 0 ? 0 : 1;
