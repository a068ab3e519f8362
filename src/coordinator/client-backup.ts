/** Backing a namespace up to a file, and restoring one: into nobody's hands, until somebody has looked and releases it. */
import type { BackupPort, NamespaceLook, Waiting } from '../core/backup-port.js';
import { CoordError } from '../core/errors.js';
import { NAMESPACE_FORMAT } from '../core/formats.js';
import type { Ids } from '../core/ids.js';
import type { Store } from '../core/ports.js';
import { type BackupHeader, type BackupLine, checkBackup, newHeader, readBackup, writeBackup } from './backup-file.js';

export type { BackupHeader } from './backup-file.js';
export type { Waiting } from '../core/backup-port.js';

export interface BackupParams {
  readonly store: Pick<Store, 'backup'> & { readonly namespace: Pick<Store['namespace'], 'time'> };
  readonly namespace: string;
  /** Of coord. */
  readonly version: string;
  readonly ids: Ids;
}

export interface BackupReport {
  readonly header: BackupHeader;
  readonly keys: number;
  /** Of the file. */
  readonly bytes: number;
  readonly cuts: readonly {
    readonly partition: number;
    readonly position: number;
    /** How long the store did nothing else, ms, and how much it gave for it. */
    readonly blockedMs: number;
    readonly bytes: number;
  }[];
}

export interface RestoreReport {
  readonly header: BackupHeader;
  readonly keys: number;
  readonly replaced: boolean;
  readonly waiting: readonly Waiting[];
}

const PAGE = 500;
/** Keys of the namespace that are copied before the partitions. */
const FIRST: readonly string[] = ['schedules'];

export class Backups {
  readonly #params: BackupParams;

  constructor(params: BackupParams) {
    this.#params = params;
  }

  /** Throws BACKUP_REFUSED when there is nothing, or when it is being restored; USAGE for a file that cannot be written. */
  async backup(file: string): Promise<BackupReport> {
    const { store, namespace, version } = this.#params;
    const look = await this.#port.look();
    const partitions = this.#whole(look);
    const at = await store.namespace.time();
    const { format: namespaceFormat, incarnation } = look;
    const header = newHeader({ version, namespace, namespaceFormat, partitions, incarnation, at });
    const cuts: BackupReport['cuts'][number][] = [];
    let keys = 0;
    const bytes = await writeBackup(file, async (writer) => {
      await writer.line(header);
      const put = async (line: BackupLine): Promise<void> => {
        if (line.kind === 'key') keys++;
        await writer.line(line);
      };
      // Schedules first: a run that one starts meanwhile is in the cuts or not, and is started again then under the same key.
      for (const item of await this.#port.copy(null, FIRST)) if (item !== null) await put({ kind: 'key', ...item });
      for (let partition = 0; partition < partitions; partition++) cuts.push(await this.#partition(partition, put));
      // Definitions last: whatever a run of the cuts names was stored before the run.
      const names = (await this.#port.namespaceKeys()).filter((name) => !FIRST.includes(name));
      for (let from = 0; from < names.length; from += PAGE)
        for (const item of await this.#port.copy(null, names.slice(from, from + PAGE)))
          if (item !== null) await put({ kind: 'key', ...item });
    });
    return { header, keys, bytes, cuts };
  }

  async #partition(partition: number, put: (line: BackupLine) => Promise<void>): Promise<BackupReport['cuts'][number]> {
    const { position, items, later, blockedMs } = await this.#port.cut(partition);
    await put({ kind: 'partition', partition, position });
    let bytes = 0;
    for (const item of items) {
      bytes += item.dump.length;
      await put({ kind: 'key', ...item });
    }
    for (let from = 0; from < later.length; from += PAGE) {
      const page = later.slice(from, from + PAGE);
      for (const [index, item] of (await this.#port.copy(partition, page)).entries()) {
        if (item !== null) await put({ kind: 'key', ...item });
        // Collected meanwhile, since its time was over.
        const run = item === null ? /^run:(.*)$/.exec(page[index] ?? '')?.[1] : undefined;
        if (run !== undefined) await put({ kind: 'gone', partition, run });
      }
    }
    return { partition, position, blockedMs, bytes };
  }

  /**
   * Writes a backup into this namespace, which nobody moves until `release`. Throws INTEGRITY for a file that is not whole,
   * BACKUP_REFUSED when runs are stored here already and they are not to be replaced.
   */
  async restore(file: string, { replace }: { readonly replace: boolean }): Promise<RestoreReport> {
    const header = await checkBackup(file);
    if (header.namespaceFormat > NAMESPACE_FORMAT)
      throw new CoordError(
        'FORMAT_UNKNOWN',
        `${file} holds a namespace of format ${String(header.namespaceFormat)}, this coord knows up to ${String(NAMESPACE_FORMAT)}; upgrade coord`,
      );
    const look = await this.#port.look();
    if (look.used && look.restoring === null && !replace) throw this.#taken(look);
    const when = new Date(header.at).toISOString();
    const hold = `restored from the backup of ${when}; look, then: coord restore --release`;
    const { partitions } = header;
    await this.#port.begin({ mark: `the backup of ${when}`, partitions, hold });
    let keys = 0;
    const gone = new Map<number, string[]>();
    let page: Extract<BackupLine, { kind: 'key' }>[] = [];
    const flush = async (): Promise<void> => {
      await this.#port.write(page);
      keys += page.length;
      page = [];
    };
    for await (const line of readBackup(file)) {
      if (line.kind === 'gone') gone.set(line.partition, [...(gone.get(line.partition) ?? []), line.run]);
      if (line.kind !== 'key') continue;
      page.push(line);
      if (page.length >= PAGE) await flush();
    }
    await flush();
    for (const [partition, runs] of gone) await this.#port.drop(partition, runs);
    await this.#port.finish({ partitions, format: header.namespaceFormat, incarnation: this.#params.ids.nonce() });
    return { header, keys, replaced: look.used, waiting: await this.waiting() };
  }

  /** What waits in each partition. */
  async waiting(): Promise<readonly Waiting[]> {
    const partitions = this.#whole(await this.#port.look());
    return Promise.all(Array.from({ length: partitions }, (_, partition) => this.#port.waiting(partition)));
  }

  /** Lets everybody have what was restored. Returns what waited, of the partitions that were on hold. */
  async release(): Promise<readonly Waiting[]> {
    const waiting = (await this.waiting()).filter(({ hold }) => hold !== null);
    for (const { partition } of waiting) await this.#port.release(partition);
    return waiting;
  }

  get #port(): BackupPort {
    return this.#params.store.backup;
  }

  /** How many partitions there are. Throws BACKUP_REFUSED unless the namespace is there and whole. */
  #whole({ partitions, restoring }: NamespaceLook): number {
    const { namespace } = this.#params;
    if (restoring !== null)
      throw new CoordError(
        'BACKUP_REFUSED',
        `namespace ${namespace} is being restored from ${restoring}, or that was interrupted: wait, or repeat it`,
      );
    if (partitions === null) throw new CoordError('BACKUP_REFUSED', `there is no namespace ${namespace} here`);
    return partitions;
  }

  #taken({ owners }: NamespaceLook): CoordError {
    const moved = owners.length === 0 ? '' : `, and ${owners.join(', ')} moves them`;
    return new CoordError(
      'BACKUP_REFUSED',
      `namespace ${this.#params.namespace} has runs already${moved}; restore into another one (--namespace), or delete them with --replace`,
    );
  }
}
