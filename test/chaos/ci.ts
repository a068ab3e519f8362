/**
 * The chaos run of the gate, in some 100 seconds: one on a server that loses nothing in a power cut, then a short one on a
 * server that does. The last line counts both together.
 */
import { fileURLToPath } from 'node:url';
import { type Figures, lastLine } from './figures.js';
import { runChaos, tell } from './main.js';
import { type Options, readOptions } from './options.js';

const ALWAYS_SECONDS = 60;
const EVERYSEC_SECONDS = 20;

export async function runForGate(options: Options, say: (line: string) => void): Promise<boolean> {
  const always = await runChaos({ ...options, minutes: ALWAYS_SECONDS / 60, fsync: 'always' }, say);
  const first = tell(always, say);
  const everysec = await runChaos({ ...options, minutes: EVERYSEC_SECONDS / 60, fsync: 'everysec', json: null }, say);
  const second = tell(everysec, say);
  say(lastLine(sum(always, everysec)));
  return first && second;
}

function sum(one: Figures, other: Figures): Figures {
  const counts = ['kills', 'stalls', 'cuts', 'runs', 'transitions', 'lost', 'duplicated', 'stuck'] as const;
  return { ...one, ...Object.fromEntries(counts.map((name) => [name, one[name] + other[name]])) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const good = await runForGate(readOptions(process.argv.slice(2)), (line) => void process.stdout.write(`${line}\n`));
  process.exit(good ? 0 : 1);
}
