/** `coord down`: stops the project's background host and its private Redis server. Runs stay stored. */
import { type Invoke, print, type Program } from '../call.js';
import { EXIT } from '../exit-codes.js';

export function addDown(program: Program, invoke: Invoke): void {
  program
    .command('down')
    .description("stop the project's background host and its private Redis server")
    .action((_flags, command) =>
      invoke(command, async (call) => {
        const { host, server } = await call.app.down(call.options);
        const stopped = [...(host ? ['the background host'] : []), ...(server ? ['the Redis server'] : [])];
        print(
          call,
          stopped.length === 0 ? 'Nothing was running.' : `Stopped ${stopped.join(' and ')}. Runs go on when you do.`,
        );
        return EXIT.ok;
      }),
    );
}
