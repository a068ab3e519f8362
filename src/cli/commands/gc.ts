/** `coord gc`: archives and deletes what is over. `coord daemon` does the same by itself. */
import { join } from 'node:path';
import { type Collected, type CollectWish, UNTOUCHED_MS } from '../../coordinator/client-keep.js';
import { type ArchivedRun, readArchive } from '../../coordinator/client-archive.js';
import { CoordError } from '../../core/errors.js';
import type { Fact } from '../../core/facts.js';
import { type Call, type Invoke, note, print, printJson, type Program, tableLook, withSession } from '../call.js';
import { EXIT } from '../exit-codes.js';
import { dateAndTime } from '../render/duration.js';
import { FactTeller } from '../render/fact-line.js';
import { oneLine } from '../render/printable.js';
import { table } from '../render/table.js';
import { age } from './dead.js';

export const DEFAULT_RETENTION_MS = 30 * 86_400_000;

export function addGc(program: Program, invoke: Invoke): void {
  program
    .command('gc')
    .description('archive and delete ended runs whose time is over, and what nobody needs any more')
    .option('--older-than <duration>', 'how long ended runs are kept whose workflow does not say (30d)', age)
    .option('--archive <dir>', 'folder for the archives; default: .coord/archive')
    .option('--no-archive', 'delete without an archive')
    .option('--with-artifacts', 'write the artifacts into the archives too')
    .option('--dead', 'dead letters of that age go too')
    .option('--dry-run', 'only tell what would be done')
    .option('--show <file>', 'print an archive instead')
    .option('--json', 'print JSON')
    .action((flags, command) =>
      invoke(command, (call) =>
        flags.show === undefined ? collect(call, flags) : showArchive(call, flags.show, flags.json === true),
      ),
    );
}

interface Flags {
  readonly olderThan?: number | undefined;
  readonly archive?: string | boolean | undefined;
  readonly withArtifacts?: true | undefined;
  readonly dead?: true | undefined;
  readonly dryRun?: true | undefined;
  readonly json?: true | undefined;
}

async function collect(call: Call, flags: Flags): Promise<number> {
  if (flags.archive === false && flags.withArtifacts === true)
    throw new CoordError('USAGE', '--with-artifacts and --no-archive cannot be used together');
  const directory =
    typeof flags.archive === 'string' ? call.path(flags.archive) : join(call.options.directory, '.coord', 'archive');
  const wish: CollectWish = {
    retentionMs: flags.olderThan ?? DEFAULT_RETENTION_MS,
    archive: flags.archive === false ? null : { directory, artifacts: flags.withArtifacts === true },
    dryRun: flags.dryRun === true,
    dead: flags.dead === true,
    partitions: null,
    contents: true,
    untouchedMs: UNTOUCHED_MS,
  };
  const stop = new AbortController();
  const release = call.io.onInterrupt(() => stop.abort());
  try {
    return await withSession(call, 'find', async ({ keeper }) => {
      const collected = await keeper.collect(wish, stop.signal);
      if (flags.json === true) printJson(call, { dryRun: wish.dryRun, ...collected });
      else tell(call, { collected, wish });
      if (stop.signal.aborted) note(call, 'Stopped; the rest is collected the next time.');
      return stop.signal.aborted ? EXIT.interrupted : EXIT.ok;
    });
  } finally {
    release();
  }
}

function tell(call: Call, { collected, wish }: { collected: Collected; wish: CollectWish }): void {
  const { runs, unreadable, artifacts, definitions, keys, letters, readers, workers } = collected;
  if (wish.dryRun && runs.length > 0) {
    const columns = [
      { title: 'RUN', cell: ({ run }: Collected['runs'][number]) => run },
      { title: 'SIZE', cell: ({ bytes }: Collected['runs'][number]) => size(bytes) },
      { title: 'ARCHIVE', cell: ({ file }: Collected['runs'][number]) => file ?? 'none' },
    ];
    print(call, table(columns, runs, tableLook(call)));
  }
  const bytes = runs.reduce((sum, run) => sum + run.bytes, 0);
  const where = wish.archive === null || runs.length === 0 ? '' : `, archived in ${oneLine(wish.archive.directory)}`;
  const rows = [
    [runs.length, 'ended run', ` (${size(bytes)})${where}`],
    [artifacts.count, 'artifact that no run names', ` (${size(artifacts.bytes)})`],
    [definitions.count, 'definition that no run goes by', ` (${size(definitions.bytes)})`],
    [keys, 'idempotency key whose time is over', ''],
    [letters, 'dead letter', ''],
    [readers, 'reader that is gone', ''],
    [workers, 'worker that is gone', ''],
  ] as const;
  const done = rows.filter(([count]) => count > 0);
  const verb = wish.dryRun ? 'Would delete' : 'Deleted';
  if (done.length === 0) print(call, wish.dryRun ? 'Nothing would be deleted.' : 'Nothing was to be deleted.');
  for (const [count, what, more] of done) print(call, `${verb} ${String(count)} ${plural(what, count)}${more}`);
  if (unreadable.length > 0)
    note(
      call,
      `kept, since nobody can read when they ended: ${unreadable
        .slice(0, NAMED)
        .map((run) => oneLine(run))
        .join(', ')}${unreadable.length > NAMED ? ', …' : ''}`,
    );
}

const NAMED = 5;

/** Of the first noun: `keys whose time is over`. */
function plural(what: string, count: number): string {
  if (count === 1) return what;
  return what
    .replace(/^(ended run|artifact|definition|idempotency key|dead letter|reader|worker)/, '$1s')
    .replace('is gone', 'are gone');
}

function size(bytes: number): string {
  if (bytes < 1_000) return `${String(bytes)} B`;
  const [amount, unit] = bytes < 1_000_000 ? [bytes / 1_000, 'kB'] : [bytes / 1_000_000, 'MB'];
  return `${amount.toFixed(amount < 10 ? 1 : 0)} ${unit}`;
}

async function showArchive(call: Call, file: string, json: boolean): Promise<number> {
  const archived = await readArchive(call.path(file));
  if (json) printJson(call, jsonOf(archived));
  else {
    const teller = new FactTeller();
    const facts = archived.history.flatMap((entry) => JSON.parse(entry.facts) as Fact[]);
    const rows = facts.flatMap((fact) => {
      const words = teller.tell(fact);
      return words === null ? [] : [{ fact, words }];
    });
    const columns = [
      { title: 'TIME', cell: ({ fact }: { fact: Fact }) => dateAndTime(fact.at) },
      { title: 'STEP', cell: ({ fact }: { fact: Fact }) => ('step' in fact ? (fact.step ?? '') : '') },
      { title: 'FACT', cell: ({ words }: { words: string }) => words },
    ];
    print(call, `Run ${oneLine(archived.run)}, archived ${dateAndTime(archived.archivedAt)}`);
    print(call, table(columns, rows, tableLook(call)));
  }
  return EXIT.ok;
}

function jsonOf({ stored, artifacts, ...archived }: ArchivedRun): object {
  const { steps, claims, record, input, ...rest } = stored;
  const parsed = Object.fromEntries([...steps].map(([step, text]) => [step, JSON.parse(text) as unknown]));
  return {
    ...archived,
    ...rest,
    record: JSON.parse(record) as unknown,
    input: JSON.parse(input) as unknown,
    steps: parsed,
    claims: Object.fromEntries(claims),
    artifacts: artifacts.map(({ sha256 }) => sha256),
  };
}
