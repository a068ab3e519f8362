/** `coord up`: starts the project's private Redis server. */
import { type Invoke, print, type Program } from '../call.js';
import { EXIT } from '../exit-codes.js';

export function addUp(program: Program, invoke: Invoke): void {
  program
    .command('up')
    .description("start the project's private Redis server")
    .action((_flags, command) =>
      invoke(command, async (call) => {
        const { started, label } = await call.app.up(call.options);
        print(call, started ? `Started ${label}` : `Already running: ${label}`);
        return EXIT.ok;
      }),
    );
}
