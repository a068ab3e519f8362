/**
 * The chaos run of the gate, in some two minutes: one on a server that loses nothing in a power cut, then a short one on a
 * server that does. The last line counts both together.
 */
import { fileURLToPath } from 'node:url';
import type { Weights } from './faults.js';
import { type Figures, lastLine } from './figures.js';
import { runChaos, tell } from './main.js';
import { onlyOf, type Options, readOptions } from './options.js';

/** Few enough for a busy machine to bring them all to their end. */
const WIDTH = 20;
const ALWAYS_SECONDS = 60;
const EVERYSEC_SECONDS = 40;
/** In so short a time, mostly what the second run is about. */
const POWER: Weights = {
  ...onlyOf(['coordinator killed', 'worker killed', 'connection cut', 'cut after a request']),
  'power cut': 4,
};

export async function runForGate(given: Options, say: (line: string) => void): Promise<boolean> {
  const options = { ...given, width: WIDTH };
  const always = await runChaos({ ...options, minutes: ALWAYS_SECONDS / 60, fsync: 'always' }, say);
  const first = tell(always, say);
  const second = { ...options, minutes: EVERYSEC_SECONDS / 60, fsync: 'everysec', json: null, weights: POWER } as const;
  const everysec = await runChaos(second, say);
  const good = tell(everysec, say);
  say(lastLine(sum(always, everysec)));
  return first && good;
}

function sum(one: Figures, other: Figures): Figures {
  const counts = ['kills', 'stalls', 'cuts', 'runs', 'transitions', 'lost', 'duplicated', 'stuck'] as const;
  return { ...one, ...Object.fromEntries(counts.map((name) => [name, one[name] + other[name]])) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const good = await runForGate(readOptions(process.argv.slice(2)), (line) => void process.stdout.write(`${line}\n`));
  process.exit(good ? 0 : 1);
}
