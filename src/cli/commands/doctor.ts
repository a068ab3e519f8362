/** `coord doctor`: what is there, what is missing, and the command that cures it. */
import type { Finding } from '../application.js';
import { type Call, collect, type Invoke, personasOf, print, printJson, type Program } from '../call.js';
import { EXIT } from '../exit-codes.js';
import type { Palette } from '../render/paint.js';
import { oneLine } from '../render/printable.js';
import { pad, widthOf } from '../render/width.js';

const LOOK: Readonly<Record<Finding['level'], { readonly sign: string; readonly paint: keyof Palette }>> = {
  ok: { sign: '✓', paint: 'good' },
  warning: { sign: '!', paint: 'warning' },
  error: { sign: '✗', paint: 'bad' },
};

export function addDoctor(program: Program, invoke: Invoke): void {
  program
    .command('doctor')
    .description('what is missing here, and how to get it')
    .option('--personas <dir>', 'folder with persona files (repeatable)', collect)
    .option('--json', 'print JSON')
    .action(({ personas, json }, command) =>
      invoke(command, async (call) => {
        const findings = await call.app.doctor(call.options, personasOf(call, personas));
        if (json === true) printJson(call, findings);
        else print(call, report(call, findings));
        return findings.some(({ level }) => level === 'error') ? EXIT.failed : EXIT.ok;
      }),
    );
}

/** Nothing is cut: whatever is said here is said to be read, and cures to be copied. */
function report({ colors }: Call, findings: readonly Finding[]): string {
  const width = Math.max(0, ...findings.map(({ subject }) => widthOf(oneLine(subject))));
  return findings
    .flatMap(({ level, subject, message, cure }) => {
      const { sign, paint } = LOOK[level];
      const line = `${colors[paint](sign)} ${pad(oneLine(subject), width)}  ${oneLine(message)}`;
      return cure === null ? [line] : [line, `  ${pad('', width)}  ${colors.dim('→')} ${oneLine(cure)}`];
    })
    .join('\n');
}
