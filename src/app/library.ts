/** `coord`: everything a program needs, from one place. Each part is also there by itself. */
export * from './client.js';
export { startMemoryEngine } from './memory.js';
export { functionPersona, loadPersonas, type PersonaFunction, startWorker } from './worker.js';
