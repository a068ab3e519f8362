/**
 * The persona of the benches with real processes. Before it does anything it writes down that it was called, with one
 * O_APPEND write, as an effect on the outside world would be: what is in the ledger twice was done twice.
 */
import { openSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Lines have one length, so that their number is known from the size of the file. */
export const LINE_BYTES = 128;

const { COORD_BENCH_LEDGER: path, COORD_BENCH_WORK_MS: workMs = '0' } = process.env;
const ledger = path === undefined ? null : openSync(path, 'a');

export async function work({ run, step, attempt }) {
  if (ledger !== null)
    writeSync(ledger, `${`${run} ${step} ${attempt} ${process.pid} ${Date.now()}`.padEnd(LINE_BYTES - 1)}\n`);
  if (workMs !== '0') await sleep(Number(workMs));
  return { status: 'pass', result: { ok: true } };
}

/** The canary's: it answers at once. */
export const sing = () => ({ status: 'pass', result: {} });
