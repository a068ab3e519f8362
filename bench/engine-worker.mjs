/** The engine's worker: one function persona with many hands. Ends with its parent. */
import { functionPersona, startWorker } from 'coord/worker';

process.on('disconnect', () => process.exit(0));
await startWorker({
  redis: `unix:${process.argv[2]}`,
  stateDirectory: process.argv[3],
  personas: [
    functionPersona({ name: 'worker', concurrency: 512, run: () => ({ status: 'pass', result: { ok: true } }) }),
  ],
});
