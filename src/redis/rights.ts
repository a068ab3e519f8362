/**
 * Looks before a script is used for the first time whether the user may do all that it does. Redis asks command by command
 * while a script runs, so one that is let in and then refused would leave a transition half done. (Keys are no matter:
 * a script declares all of them, and Redis looks at those before it begins.)
 */
import { CoordError, messageOf } from '../core/errors.js';
import type { Argument } from './commands.js';
import { entriesOf } from './replies.js';
import type { Script } from './scripts.js';

/** Commands that are several, told apart by their next word. */
const CONTAINERS: ReadonlySet<string> = new Set(['XGROUP', 'XINFO', 'OBJECT', 'MEMORY']);

const PROBE = `#!lua flags=no-writes
local refused = {}
for _, words in ipairs(ARGV) do
  local command = {}
  for word in string.gmatch(words, '%S+') do command[#command + 1] = word end
  command[#command + 1] = KEYS[1]
  if not redis.acl_check_cmd(unpack(command)) then refused[#refused + 1] = words end
end
return refused`;

export class Rights {
  readonly #user: string;
  readonly #granted = new Set<string>();

  constructor(user: string) {
    this.#user = user;
  }

  /** Throws REDIS_DENIED with what the user may not. `evaluate` runs a script where the key lies. */
  async check(script: Script, key: string, evaluate: (args: readonly Argument[]) => Promise<unknown>): Promise<void> {
    if (this.#granted.has(script.name)) return;
    const refused = entriesOf(await evaluate([PROBE, 1, key, ...commandsOf(script)])).map(String);
    if (refused.length > 0) {
      const what = `the user "${this.#user}" may not use ${refused.join(', ')}`;
      throw new CoordError('REDIS_DENIED', `${script.name}: ${what}, so nothing was done; see docs/redis.md`);
    }
    this.#granted.add(script.name);
  }

  /** A right may have been taken away since. */
  doubt(error: unknown): void {
    if (/NOPERM|user executing the script/.test(messageOf(error))) this.#granted.clear();
  }
}

/** What a script calls, each once. */
export function commandsOf({ source }: Script): readonly string[] {
  const calls = source.matchAll(/redis\.call\('([A-Z]+)'(?:, '([A-Z]+)')?/g);
  return [
    ...new Set([...calls].map(([, name = '', next]) => (CONTAINERS.has(name) ? `${name} ${next ?? ''}`.trim() : name))),
  ];
}
