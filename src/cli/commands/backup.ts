/** `coord backup`: copies the namespace to a file, while everybody goes on. */
import type { BackupReport } from '../../coordinator/client-backup.js';
import { type Call, type Invoke, note, print, printJson, type Program } from '../call.js';
import { EXIT } from '../exit-codes.js';
import { oneLine } from '../render/printable.js';

export function addBackup(program: Program, invoke: Invoke): void {
  program
    .command('backup')
    .description('copy all runs of the namespace to a file')
    .argument('<file>', 'file to write; one that is there is replaced when the backup is whole')
    .option('--json', 'print JSON')
    .action((file, { json }, command) =>
      invoke(command, async (call) => {
        const session = await call.app.backups(call.options, 'find');
        try {
          if (session.notice !== null) note(call, session.notice);
          const report = await session.backups.backup(call.path(file));
          if (json === true) printJson(call, report);
          else print(call, words(call, { file, report }));
          return EXIT.ok;
        } finally {
          await session.close();
        }
      }),
    );
}

function words({ colors }: Call, { file, report }: { file: string; report: BackupReport }): string {
  const { header, keys, bytes, cuts } = report;
  const blocked = cuts.map(
    ({ partition, position, blockedMs, bytes: cut }) =>
      `  partition ${String(partition)} as of position ${String(position)}: the store stood still for ${blockedMs.toFixed(1)} ms (${size(cut)})`,
  );
  return [
    `${colors.good('✓')} namespace ${oneLine(header.namespace)} is in ${oneLine(file)}: ${String(keys)} keys, ${size(bytes)}`,
    ...blocked,
  ].join('\n');
}

function size(bytes: number): string {
  return bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
