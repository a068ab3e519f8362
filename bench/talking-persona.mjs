/**
 * A program as a persona that says what it does: every line that it prints on stderr is the time of printing. Its last words
 * go to a file, with the time of its end. Arguments: the file, the number of lines, the pause between them in ms.
 */
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const [file, lines, pauseMs] = process.argv.slice(2);
const { COORD_RUN: run, COORD_STEP: step } = process.env;
for (let line = 0; line < Number(lines); line++) {
  // Never in step with a heartbeat.
  await sleep(Number(pauseMs) * (0.5 + Math.random()));
  process.stderr.write(`said ${Date.now()}\n`);
}
await sleep(Number(pauseMs));
appendFileSync(file, `${run} ${step} ${Date.now()}\n`);
process.exit(0);
