/** One thing that was looked at, whether it is as it should be, and what cures it: what `doctor` and `persona check` tell. */
export interface Finding {
  readonly level: 'ok' | 'warning' | 'error';
  readonly subject: string;
  readonly message: string;
  /** The command or setting that cures it, or null. */
  readonly cure: string | null;
}

export function isFine(findings: readonly Finding[]): boolean {
  return findings.every(({ level }) => level !== 'error');
}
