/** Schedule files on the disk: which a project has, and what is in them. */
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { CoordError } from '../core/errors.js';
import { formatProblems } from './frame.js';
import { readBytes } from './load-bytes.js';
import { readSchedule, type ScheduleDraft } from './schedule.js';

export interface LoadedSchedule {
  readonly file: string;
  readonly draft: ScheduleDraft;
}

const ENDING = /\.(?:ya?ml|json)$/;
const LIMIT_BYTES = 1024 * 1024;

/** The schedule files of a folder, in order of their names; none when there is no such folder. */
export async function listScheduleFiles(folder: string): Promise<readonly string[]> {
  const files: readonly string[] = await readdir(folder).catch(() => []);
  return files
    .filter((file) => ENDING.test(file))
    .toSorted()
    .map((file) => join(folder, file));
}

/** Throws SCHEDULE_INVALID with every problem of every file, also when one cannot be read or two have one name. */
export async function loadSchedules(files: readonly string[]): Promise<readonly LoadedSchedule[]> {
  const loaded: LoadedSchedule[] = [];
  const reports: string[] = [];
  for (const file of files) {
    const text = await textOf(file);
    const { draft, problems } = readSchedule(text, { file, fallbackName: basename(file).replace(ENDING, '') });
    if (draft === null) reports.push(formatProblems(problems, text, { color: false }));
    else loaded.push({ file, draft });
  }
  for (const { file, draft } of loaded) {
    const other = loaded.find((one) => one.draft.name === draft.name);
    if (other !== undefined && other.file !== file)
      reports.push(`${file} and ${other.file} are both called "${draft.name}"; give one of them a "name"`);
  }
  if (reports.length > 0) throw new CoordError('SCHEDULE_INVALID', reports.join('\n\n'));
  return loaded;
}

async function textOf(file: string): Promise<string> {
  const read = await readBytes(file, { limit: LIMIT_BYTES, pipes: true });
  if ('refused' in read)
    throw new CoordError('SCHEDULE_INVALID', `the schedule file ${file} cannot be read: ${read.refused}`, {
      cause: read.cause,
    });
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(read.bytes);
  } catch (error) {
    throw new CoordError('SCHEDULE_INVALID', `${file} is not valid UTF-8; save the file as UTF-8`, { cause: error });
  }
}
