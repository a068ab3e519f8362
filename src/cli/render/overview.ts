/** What goes on in a namespace, as tables. */
import type { Overview, PersonaQueue, WaitingRun, WorkerState } from '../../coordinator/client-overview.js';
import { type Call, tableLook } from '../call.js';
import { duration } from './duration.js';
import { oneLine } from './printable.js';
import { table, type TableColumn } from './table.js';

interface Owner {
  readonly name: string;
  readonly partitions: readonly number[];
  readonly messages: number;
  readonly hold: string | null;
}

const PERSONAS = 6;

export function overviewLines(call: Call, seen: Overview): readonly string[] {
  const { now, workers, queues, oldest } = seen;
  const since = (at: number | null): string => (at === null ? '' : duration(now - at));
  const { bad, warning } = call.colors;
  return [
    ...section(call, ownersOf(seen), [
      {
        title: 'COORDINATOR',
        cell: ({ name }) => name,
        paint: (text, { name }) => (name === NOBODY ? bad(text) : text),
      },
      { title: 'PARTITIONS', cell: ({ partitions }) => partitions.join(', ') },
      { title: 'NOT APPLIED', cell: ({ messages }) => String(messages) },
      { title: 'HOLD', cell: ({ hold }) => hold ?? '' },
    ]),
    ...section<WorkerState>(
      call,
      workers.toSorted((a, b) => a.worker.localeCompare(b.worker)),
      [
        {
          title: 'WORKER',
          cell: ({ worker }) => worker,
          paint: (text, { live }) => (live ? text : bad(text)),
        },
        { title: 'BUSY', cell: ({ busy }) => String(busy) },
        { title: 'SEEN', cell: ({ live, seenAt }) => (live ? 'now' : `${since(seenAt)} ago`) },
        { title: 'PERSONAS', cell: ({ personas }) => named(personas) },
      ],
    ),
    ...section<PersonaQueue>(call, queues, [
      {
        title: 'PERSONA',
        cell: ({ persona }) => persona,
        paint: (text, { requests, workers: serving }) => (requests > 0 && serving === 0 ? bad(text) : text),
      },
      { title: 'QUEUED', cell: ({ requests }) => String(requests) },
      { title: 'OLDEST', cell: ({ oldestAt }) => since(oldestAt) },
      { title: 'WORKERS', cell: (queue) => String(queue.workers) },
    ]),
    ...section<WaitingRun>(call, oldest, [
      { title: 'OLDEST WAITING', cell: ({ run }) => run, paint: (text) => warning(text) },
      { title: 'WORKFLOW', cell: ({ workflow }) => workflow },
      { title: 'STATUS', cell: ({ status }) => status },
      { title: 'AGE', cell: ({ createdAt }) => since(createdAt) },
    ]),
  ];
}

/** Nothing of what there is none of. */
function section<Row>(call: Call, rows: readonly Row[], columns: readonly TableColumn<Row>[]): readonly string[] {
  return rows.length === 0 ? [] : ['', ...table(columns, rows, tableLook(call)).trimEnd().split('\n')];
}

const NOBODY = '(nobody)';

/** Whoever owns partitions; those that nobody owns come first. */
function ownersOf({ partitions }: Overview): readonly Owner[] {
  const owners = new Map<string, Owner>();
  for (const { partition, owner, messages, hold } of partitions) {
    const name = owner === null ? NOBODY : withoutNonce(owner);
    const known = owners.get(name) ?? { name, partitions: [], messages: 0, hold: null };
    owners.set(name, {
      name,
      partitions: [...known.partitions, partition],
      messages: known.messages + messages,
      hold: known.hold ?? hold,
    });
  }
  return [...owners.values()].toSorted((a, b) => Number(b.name === NOBODY) - Number(a.name === NOBODY));
}

/** Each partition's owner has a name of its own, `host:pid:nonce`; the process is what people know. */
function withoutNonce(owner: string): string {
  const colon = owner.lastIndexOf(':');
  return oneLine(colon <= 0 ? owner : owner.slice(0, colon));
}

function named(names: readonly string[]): string {
  const more = names.length - PERSONAS;
  return more > 0 ? `${names.slice(0, PERSONAS).join(', ')} and ${String(more)} more` : names.join(', ');
}
