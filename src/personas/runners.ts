/** Which kind of persona is run by which runner. */
import type { Clock } from '../core/clock.js';
import { AgentRunner } from './agent.js';
import { type CommandLimits, CommandRunner } from './command.js';
import { FunctionRunner } from './function.js';
import { GitRunner } from './git-operation.js';
import { HttpRunner } from './http.js';
import { HumanRunner } from './human.js';
import { ModelRunner } from './model.js';
import type { PersonaDefinition } from './persona.js';
import type { PersonaKind, ResultCheck } from './runner.js';
import { VerifyRunner } from './verify.js';

export interface RunnerMeans {
  readonly clock: Clock;
  readonly limits?: Partial<CommandLimits> | undefined;
  /** Where keys and addresses are looked up by the names that personas give. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** By default nothing is wrong: the engine checks in any case. */
  readonly checkResult?: ResultCheck | undefined;
}

export function runnerFor(
  persona: PersonaDefinition,
  { clock, limits = {}, env = process.env, checkResult = () => [] }: RunnerMeans,
): PersonaKind {
  switch (persona.kind) {
    case 'agent':
      return new AgentRunner(persona, { clock, limits });
    case 'command':
      return new CommandRunner(persona, { clock, limits });
    case 'function':
      return new FunctionRunner(persona);
    case 'git':
      return new GitRunner(persona, { clock });
    case 'http':
      return new HttpRunner(persona, { clock, env });
    case 'human':
      return new HumanRunner(persona);
    case 'model':
      return new ModelRunner(persona, { clock, env, checkResult });
    case 'verify':
      return new VerifyRunner({ clock });
  }
}
