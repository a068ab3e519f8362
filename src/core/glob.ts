/** Patterns of paths: `*` and `?` within a folder, `**` over folders. Pure. */

/** What is wrong with a pattern, or null. It names paths below a folder, with `/` between their parts. */
export function globProblem(pattern: string): string | null {
  const parts = pattern.split('/');
  if (pattern.trim() === '' || pattern.length > 500) return 'it is empty or too long';
  if (pattern.startsWith('/') || parts.includes('..')) return 'it must stay below the folder';
  if (parts.some((part) => part === '' || part === '.')) return 'it has an empty part';
  if (/[[\]{}\\!]/.test(pattern)) return 'only "*", "?" and "**" stand for something';
  if (parts.some((part) => part.includes('**') && part !== '**')) return '"**" stands alone between slashes';
  return null;
}

/** Whether a path fits, as a function of the path. */
export function globMatcher(pattern: string): (path: string) => boolean {
  const parts = pattern.split('/');
  const source = parts.map((part, index) => {
    const last = index === parts.length - 1;
    if (part === '**') return last ? '.*' : '(?:[^/]+/)*';
    const text = part
      .replace(/[.+^$()|]/g, String.raw`\$&`)
      .replaceAll('*', '[^/]*')
      .replaceAll('?', '[^/]');
    return last ? text : `${text}/`;
  });
  const expression = new RegExp(`^${source.join('')}$`);
  return (path) => expression.test(path);
}

/** The folder that everything which fits lies below; empty for the folder itself. */
export function globFolder(pattern: string): string {
  const parts = pattern.split('/').slice(0, -1);
  const first = parts.findIndex((part) => /[*?]/.test(part));
  return (first === -1 ? parts : parts.slice(0, first)).join('/');
}
