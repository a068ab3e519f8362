/** The syntax tree of an expression: everything the language has, after the grammar has refused the rest. */
import type { RootName } from './scope.js';

interface Place {
  /** Offset of the first character in the source. */
  readonly start: number;
  /** Offset after the last character. */
  readonly end: number;
}

export const BINARY_OPERATORS = ['===', '!==', '==', '!=', '<', '<=', '>', '>=', '+', '-', '*', '/', '%'] as const;
export type BinaryOperator = (typeof BINARY_OPERATORS)[number];
export const LOGICAL_OPERATORS = ['&&', '||', '??'] as const;
export type LogicalOperator = (typeof LOGICAL_OPERATORS)[number];
export const UNARY_OPERATORS = ['!', '-', '+'] as const;
export type UnaryOperator = (typeof UNARY_OPERATORS)[number];

export type Literal = Place & {
  readonly kind: 'literal';
  readonly value: string | number | boolean | null | undefined;
};
/** Any name but `context`, which only occurs as a `state` node. */
export type Root = Place & { readonly kind: 'root'; readonly name: Exclude<RootName, 'context'> };
/** A callback's parameter, by its place in the frame. */
export type Local = Place & { readonly kind: 'local'; readonly slot: number };
/** `context.state.get(key)` or `.has(key)`. */
export type State = Place & { readonly kind: 'state'; readonly method: 'get' | 'has'; readonly key: Syntax };
export type Member = Place & {
  readonly kind: 'member';
  readonly object: Syntax;
  readonly key: Syntax;
  readonly optional: boolean;
};
/** The reach of `?.`: what a missing value inside makes undefined as a whole. */
export type Chain = Place & { readonly kind: 'chain'; readonly body: Syntax };
export type Call = Place & {
  readonly kind: 'call';
  readonly object: Syntax;
  readonly method: string;
  readonly inputs: readonly (Syntax | Callback)[];
  /** `a?.method()`. */
  readonly optional: boolean;
};
export type Unary = Place & { readonly kind: 'unary'; readonly operator: UnaryOperator; readonly operand: Syntax };
export type Binary = Place & {
  readonly kind: 'binary';
  readonly operator: BinaryOperator;
  readonly left: Syntax;
  readonly right: Syntax;
};
export type Logical = Place & {
  readonly kind: 'logical';
  readonly operator: LogicalOperator;
  readonly left: Syntax;
  readonly right: Syntax;
};
export type Choice = Place & {
  readonly kind: 'choice';
  readonly test: Syntax;
  readonly yes: Syntax;
  readonly no: Syntax;
};
export type List = Place & { readonly kind: 'list'; readonly items: readonly Syntax[] };
/** A template literal: always one text more than holes. */
export type Text = Place & {
  readonly kind: 'text';
  readonly texts: readonly string[];
  readonly holes: readonly Syntax[];
};

export type Syntax =
  | Literal
  | Root
  | Local
  | State
  | Member
  | Chain
  | Call
  | Unary
  | Binary
  | Logical
  | Choice
  | List
  | Text;

/** An arrow function; only ever a call's first input. */
export type Callback = Place & {
  readonly kind: 'callback';
  readonly slots: readonly number[];
  readonly body: Syntax;
  /** Parts of the body: what one call of it costs. */
  readonly cost: number;
};

/** What a node is directly made of; of a callback, its body. */
export function partsOf(syntax: Syntax): readonly Syntax[] {
  switch (syntax.kind) {
    case 'literal':
    case 'local':
    case 'root':
      return [];
    case 'state':
      return [syntax.key];
    case 'member':
      return [syntax.object, syntax.key];
    case 'chain':
      return [syntax.body];
    case 'call':
      return [syntax.object, ...syntax.inputs.map((input) => (input.kind === 'callback' ? input.body : input))];
    case 'unary':
      return [syntax.operand];
    case 'binary':
    case 'logical':
      return [syntax.left, syntax.right];
    case 'choice':
      return [syntax.test, syntax.yes, syntax.no];
    case 'list':
      return syntax.items;
    case 'text':
      return syntax.holes;
  }
}
