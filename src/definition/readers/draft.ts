/** What the readers of steps hand to each other and to the checks. */
import type { Located } from '../fields.js';
import type { Problems, Range } from '../problem.js';
import type { CustomStepType } from '../step-types.js';
import type { Retries, StepBase, StepDefinition, StepList, StepType } from '../steps.js';
import type { ListNode } from '../tree.js';
import type { Use } from '../uses.js';
import type { Sheet } from './sheet.js';
import type { StateUses } from './states.js';

/** A step as far as it could be read, with what later checks need: places, and what its expressions read. */
export interface StepDraft {
  /** With the definitions of the steps inside. */
  readonly definition: StepDefinition;
  /** The step's id, or its first key. */
  readonly node: Range;
  readonly id: Located<string>;
  readonly dependencies: readonly Located<string>[];
  /** Read before the step starts: name, condition, timeout, params, items, task, … */
  readonly uses: readonly Use[];
  /** `until` and `while` of a loop: read in the scope of its body's end. */
  readonly inside: readonly Use[];
  readonly lists: readonly DraftList[];
  /** Key → place of its value. */
  readonly fields: ReadonlyMap<string, Range>;
}

export interface DraftList {
  readonly key: StepList['key'];
  readonly steps: readonly StepDraft[];
}

export interface ReadContext {
  readonly problems: Problems;
  /** Known personas; null when nobody knows them. */
  readonly personas: ReadonlySet<string> | null;
  /** Types of plugins, by name. */
  readonly types: ReadonlyMap<string, CustomStepType>;
  /** Types that steps may have; null for all. */
  readonly allowed: readonly StepType[] | null;
  /** The workflow's states. */
  readonly states: StateUses;
  /** For asking steps that say nothing themselves. */
  readonly defaults: { readonly retries: Retries | null; readonly fallback: readonly string[] };
  /** Steps that may still be read: what plugins expand to is not known before. */
  readonly budget: { steps: number };
  /** Lists that the step stands in, the outermost not counted. */
  readonly depth: number;
  /** Reads a list of steps. Handed in, since lists and steps contain each other. */
  readonly readSteps: (list: ListNode, context: ReadContext, options?: ListOptions) => readonly StepDraft[];
}

export interface ListOptions {
  /** Makes the id of a step that leaves it out. */
  readonly idOf?: (index: number) => string;
  /** Whether the steps are for failures, without saying so. */
  readonly onFailure?: boolean;
}

/** What the reader of one type makes of a step. */
export interface StepBody {
  readonly definition: StepDefinition;
  readonly lists?: readonly DraftList[];
}

export type TypeReader = (sheet: Sheet, base: StepBase, context: ReadContext) => StepBody;
