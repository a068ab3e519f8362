/**
 * Runs a persona program and, when EFFECTS_FILE is set, appends one line when it begins and one when it ends by
 * itself: `<ms> <run> <step> attempt=<n> token=<token> <begin|end>`. Counting the lines shows how often each
 * attempt really ran; a program that was killed leaves a begin without an end.
 */
import { appendFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const { EFFECTS_FILE, COORD_RUN, COORD_STEP, COORD_ATTEMPT, COORD_TOKEN } = process.env;

/** One short write in append mode: lines of programs that run at the same time do not mix. */
function record(effect) {
  if (!EFFECTS_FILE) return;
  appendFileSync(
    EFFECTS_FILE,
    `${Date.now()} ${COORD_RUN} ${COORD_STEP} attempt=${COORD_ATTEMPT} token=${COORD_TOKEN} ${effect}\n`,
  );
}

const [program, ...rest] = process.argv.slice(2);
process.argv = [process.argv[0], program, ...rest];
record('begin');
process.on('exit', () => record('end'));
await import(pathToFileURL(program).href);
