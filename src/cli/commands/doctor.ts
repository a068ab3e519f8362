/** `coord doctor`: what is there, what is missing, and the command that cures it. */
import { isFine } from '../../core/finding.js';
import { collect, type Invoke, personasOf, print, printJson, type Program } from '../call.js';
import { EXIT } from '../exit-codes.js';
import { findingLines } from '../render/findings.js';

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
        else print(call, findingLines(findings, call.colors));
        return isFine(findings) ? EXIT.ok : EXIT.failed;
      }),
    );
}
