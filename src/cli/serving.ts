/** What `coord daemon` and `coord worker` have in common: serving until Ctrl-C or a polite signal. */
import { Option } from '@commander-js/extra-typings';
import type { ServeOptions } from './application.js';
import { type Call, note } from './call.js';
import { EXIT } from './exit-codes.js';

export function logOption() {
  return new Option('--log <form>', 'lines for people, or JSON for log collectors')
    .choices(['pretty', 'json'] as const)
    .default('pretty' as const);
}

/** The first interrupt stops cleanly; a second one meets no handler and ends the process at once. */
export async function serveUntilInterrupted(call: Call, serve: ServeOptions): Promise<number> {
  const stop = new AbortController();
  const release = call.io.onInterrupt(() => {
    release();
    note(call, 'Stopping. Attempts in hand may finish; once more ends them at once.');
    stop.abort();
  });
  try {
    await call.app.serve(call.options, serve, stop.signal);
  } finally {
    release();
  }
  return EXIT.ok;
}
