/** Which kind of persona is run by which runner. */
import type { Clock } from '../core/clock.js';
import { type CommandLimits, CommandRunner } from './command.js';
import { FunctionRunner } from './function.js';
import { GitRunner } from './git-operation.js';
import type { PersonaDefinition } from './persona.js';
import type { PersonaKind } from './runner.js';
import { VerifyRunner } from './verify.js';

export function runnerFor(
  persona: PersonaDefinition,
  means: { readonly clock: Clock; readonly limits?: Partial<CommandLimits> },
): PersonaKind {
  switch (persona.kind) {
    case 'command':
      return new CommandRunner(persona, means);
    case 'function':
      return new FunctionRunner(persona);
    case 'git':
      return new GitRunner(persona, means);
    case 'verify':
      return new VerifyRunner(means);
  }
}
