/** Memory is not kept, so there is nothing to copy away and back. */
import type { BackupPort } from '../core/backup-port.js';
import { CoordError } from '../core/errors.js';

const refuse = async (): Promise<never> => {
  throw new CoordError(
    'BACKUP_REFUSED',
    'what is in the memory of this process ends with it and is not backed up; use a Redis server (coord up)',
  );
};

export const memoryBackup: BackupPort = {
  look: refuse,
  cut: refuse,
  namespaceKeys: refuse,
  copy: refuse,
  begin: refuse,
  write: refuse,
  drop: refuse,
  finish: refuse,
  waiting: refuse,
  release: refuse,
};
