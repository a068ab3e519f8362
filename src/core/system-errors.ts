/** What the system says when a file cannot be had, in words: Node's own texts name system calls and repeat the path. */
import { messageOf } from './errors.js';

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  ENOTDIR: 'a part of the path is no folder',
  EISDIR: 'it is a folder',
  EACCES: 'there is no permission (EACCES)',
  EPERM: 'the system does not allow it (EPERM)',
  EROFS: 'the file system can only be read (EROFS)',
  ENOSPC: 'the disk is full (ENOSPC)',
  EDQUOT: 'the disk quota is used up (EDQUOT)',
  ELOOP: 'its links lead in a circle',
  ENAMETOOLONG: 'the path is too long',
  EMFILE: 'too many files are open (EMFILE)',
  ENXIO: 'nobody is at the other end of it',
  EEXIST: 'it is there already',
};

/** Why, without the path; the error's own text for what has no words here. */
export function systemWords(error: unknown): string {
  const code = systemCode(error);
  return (code === null ? undefined : WORDS[code]) ?? messageOf(error);
}

/** `ENOENT` and the like; null for errors that are not the system's. */
export function systemCode(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}
