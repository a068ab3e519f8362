/** The part of a connection that plain commands need: so that what uses nothing else can be tested on a stand-in. */
import type { ScriptName } from './scripts.js';

export type Argument = string | number | Buffer;

export interface Commands {
  /** One reading command. Throws REDIS_UNREACHABLE when it was not answered: a read can always be done again. */
  read(command: string, args: readonly Argument[]): Promise<unknown>;
  /** Several reading commands in one round trip, answers in order. */
  readAll(commands: readonly (readonly [string, ...Argument[]])[]): Promise<unknown[]>;
  /** One writing command. Throws OUTCOME_UNKNOWN when it was sent and not answered. */
  write(command: string, args: readonly Argument[]): Promise<unknown>;
  /** Runs a script; the reply begins with one of the replies that its header names. */
  script(
    name: ScriptName,
    keys: readonly string[],
    args: readonly Argument[],
  ): Promise<readonly [string, ...unknown[]]>;
}
