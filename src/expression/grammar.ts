/**
 * Source text to syntax tree. acorn parses JavaScript; this file takes over the few node types that the language
 * has and refuses every other by name. What is not translated here cannot be evaluated.
 */
import * as acorn from 'acorn';
import { didYouMean } from '../core/suggest.js';
import { BLOCKED_NAMES } from './limits.js';
import { CALLBACK_METHODS, METHOD_NAMES } from './methods.js';
import { quoted, refuse } from './problem.js';
import { isRootName, ROOT_NAMES } from './scope.js';
import { BINARY_OPERATORS, type Callback, LOGICAL_OPERATORS, type Syntax, UNARY_OPERATORS } from './syntax.js';
import { ACORN_OPTIONS, located, tokensOf } from './tokens.js';

export interface Parsed {
  readonly syntax: Syntax;
  /** Slots that a frame needs for callback parameters. */
  readonly slots: number;
}

/** Throws ExpressionError for the first thing that the language does not have. */
export function parseSyntax(source: string): Parsed {
  const tokens = tokensOf(source);
  let root: acorn.Expression;
  try {
    root = acorn.parseExpressionAt(source, 0, ACORN_OPTIONS);
  } catch (error) {
    throw located(error, source);
  }
  const extra = tokens.find((token) => token.start >= root.end);
  if (extra !== undefined)
    refuse(extra, `unexpected ${quoted(source.slice(extra.start, extra.end))} after the expression`);
  const grammar = new Grammar(source);
  return { syntax: grammar.translate(root), slots: grammar.slots };
}

/** Names of node types for people; the rest is called by its type. */
const REFUSED: Readonly<Record<string, string>> = {
  ArrowFunctionExpression: 'a function outside some, every, filter, find and map',
  AssignmentExpression: 'an assignment',
  AwaitExpression: '"await"',
  ClassExpression: 'a class',
  FunctionExpression: '"function"',
  ImportExpression: '"import"',
  MetaProperty: '"import.meta" or "new.target"',
  NewExpression: '"new"',
  ObjectExpression: 'an object in braces',
  SequenceExpression: 'a comma between expressions',
  SpreadElement: '"..."',
  TaggedTemplateExpression: 'a tagged template',
  ThisExpression: '"this"',
  UpdateExpression: '"++" or "--"',
  YieldExpression: '"yield"',
};

class Grammar {
  slots = 0;
  readonly #source: string;
  readonly #locals: Map<string, number>[] = [];
  #count = 0;

  constructor(source: string) {
    this.#source = source;
  }

  translate(node: acorn.AnyNode): Syntax {
    const { start, end } = node;
    this.#count++;
    switch (node.type) {
      case 'ParenthesizedExpression':
        return this.translate(node.expression);
      case 'Literal':
        return { kind: 'literal', value: this.#value(node), start, end };
      case 'Identifier':
        return this.#name(node);
      case 'TemplateLiteral':
        return {
          kind: 'text',
          texts: node.quasis.map((quasi) => quasi.value.cooked ?? ''),
          holes: node.expressions.map((hole) => this.translate(hole)),
          start,
          end,
        };
      case 'ChainExpression':
        return { kind: 'chain', body: this.translate(node.expression), start, end };
      case 'MemberExpression':
        if (isContext(node)) return this.#contextMisused(node);
        return {
          kind: 'member',
          object: this.translate(node.object),
          key: this.#key(node),
          optional: node.optional,
          start,
          end,
        };
      case 'CallExpression':
        return this.#call(node);
      case 'UnaryExpression': {
        const operator = UNARY_OPERATORS.find((known) => known === node.operator);
        if (operator === undefined) return this.#noOperator(node, node.operator);
        return { kind: 'unary', operator, operand: this.translate(node.argument), start, end };
      }
      case 'BinaryExpression': {
        const operator = BINARY_OPERATORS.find((known) => known === node.operator);
        if (operator === undefined) return this.#noOperator(node, node.operator);
        return {
          kind: 'binary',
          operator,
          left: this.translate(node.left),
          right: this.translate(node.right),
          start,
          end,
        };
      }
      case 'LogicalExpression': {
        const operator = LOGICAL_OPERATORS.find((known) => known === node.operator);
        if (operator === undefined) return this.#noOperator(node, node.operator);
        return {
          kind: 'logical',
          operator,
          left: this.translate(node.left),
          right: this.translate(node.right),
          start,
          end,
        };
      }
      case 'ConditionalExpression':
        return {
          kind: 'choice',
          test: this.translate(node.test),
          yes: this.translate(node.consequent),
          no: this.translate(node.alternate),
          start,
          end,
        };
      case 'ArrayExpression':
        return {
          kind: 'list',
          items: node.elements.map((item) =>
            item === null ? refuse(node, 'a list with an empty place is not allowed') : this.translate(item),
          ),
          start,
          end,
        };
      default: {
        const what = REFUSED[node.type] ?? node.type;
        const hint = node.type === 'AssignmentExpression' ? 'To compare, write ===.' : null;
        return refuse(node, `${what} is not part of the expression language`, hint);
      }
    }
  }

  #value(node: acorn.Literal): string | number | boolean | null {
    const { value } = node;
    if (typeof value === 'number' && !Number.isFinite(value)) refuse(node, 'the number is too large');
    if (value === null && node.regex === undefined && node.bigint === undefined) return value;
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
    return refuse(node, `${quoted(node.raw ?? '')} is not a text, number, true, false or null`);
  }

  #name(node: acorn.Identifier): Syntax {
    const { name, start, end } = node;
    if (name === 'undefined') return { kind: 'literal', value: undefined, start, end };
    for (const locals of this.#locals.toReversed()) {
      const slot = locals.get(name);
      if (slot !== undefined) return { kind: 'local', slot, start, end };
    }
    if (name === 'context') return this.#contextMisused(node);
    if (isRootName(name) && name !== 'context') return { kind: 'root', name, start, end };
    return refuse(node, `unknown name ${quoted(name)}`, this.#meant(node));
  }

  /** What a person who wrote an unknown name most likely wanted. */
  #meant(node: acorn.Identifier): string {
    const { name } = node;
    const hyphen = /steps\.([A-Za-z]\w*(?:-\w+)+)/g;
    for (const match of this.#source.matchAll(hyphen)) {
      const inside = match.index < node.start && node.start < match.index + match[0].length;
      if (inside) return `For a step whose id has a hyphen, write steps['${match[1] ?? ''}'].`;
    }
    if (/^\w+_(?:status|result)$/.test(name)) return `Did you mean context.state.get('${name}')?`;
    return didYouMean(name, ROOT_NAMES).trim() || `Known names are ${ROOT_NAMES.join(', ')}.`;
  }

  #contextMisused(node: acorn.Node): never {
    return refuse(node, 'context can only be read as context.state.get(name) or context.state.has(name)');
  }

  #noOperator(node: acorn.Node, operator: string): never {
    return refuse(node, `the operator "${operator}" is not part of the expression language`);
  }

  #key(node: acorn.MemberExpression): Syntax {
    const { property } = node;
    const { start, end } = property;
    if (node.computed) {
      const key = this.translate(property);
      if (key.kind === 'literal' && typeof key.value === 'string') this.#allow(key.value, property);
      return key;
    }
    if (property.type !== 'Identifier')
      return refuse(property, 'a private name is not part of the expression language');
    this.#allow(property.name, property);
    this.#count++;
    return { kind: 'literal', value: property.name, start, end };
  }

  #allow(name: string, node: acorn.Node): void {
    if (BLOCKED_NAMES.has(name)) refuse(node, `the name "${name}" may not be read`);
  }

  #call(node: acorn.CallExpression): Syntax {
    const { callee, start, end } = node;
    if (
      callee.type !== 'MemberExpression' ||
      callee.computed ||
      callee.property.type !== 'Identifier' ||
      node.optional
    ) {
      return refuse(node, 'only a method of a value can be called', "For example task.tags.includes('urgent').");
    }
    const method = callee.property.name;
    if (isContext(callee.object)) return this.#state(node, callee);
    const object = this.translate(callee.object);
    this.#allow(method, callee.property);
    if (!METHOD_NAMES.has(method)) {
      const hint = didYouMean(method, METHOD_NAMES).trim() || `Known methods are ${[...METHOD_NAMES].join(', ')}.`;
      refuse(callee.property, `unknown method ${quoted(method)}`, hint);
    }
    const inputs = node.arguments.map((input, index) => {
      const callback = input.type === 'ArrowFunctionExpression' && index === 0 && CALLBACK_METHODS.has(method);
      return callback ? this.#callback(input) : this.translate(input);
    });
    if (CALLBACK_METHODS.has(method) && (inputs.length !== 1 || inputs[0]?.kind !== 'callback')) {
      refuse(node, `${method} takes one function`, `For example task.tags.${method}(tag => tag === 'urgent').`);
    }
    return { kind: 'call', object, method, inputs, optional: callee.optional, start, end };
  }

  #state(node: acorn.CallExpression, callee: acorn.MemberExpression): Syntax {
    const method = callee.property.type === 'Identifier' ? callee.property.name : '';
    const [key, ...rest] = node.arguments;
    const state = callee.object.type === 'MemberExpression' ? callee.object.property : null;
    if ((method !== 'get' && method !== 'has') || state?.type !== 'Identifier' || state.name !== 'state') {
      return this.#contextMisused(node);
    }
    if (key === undefined || rest.length > 0) return refuse(node, `context.state.${method} takes one name`);
    return { kind: 'state', method, key: this.translate(key), start: node.start, end: node.end };
  }

  #callback(node: acorn.ArrowFunctionExpression): Callback {
    const { body, start, end } = node;
    if (node.async) refuse(node, 'an async function is not part of the expression language');
    if (body.type === 'BlockStatement')
      return refuse(body, 'a function with a body in braces is not part of the expression language');
    if (node.params.length > 2) refuse(node, 'a function takes the item and, if wanted, its index');
    const locals = new Map<string, number>();
    const slots = node.params.map((parameter) => {
      if (parameter.type !== 'Identifier') return refuse(parameter, 'a parameter can only be a name');
      if (isRootName(parameter.name) || parameter.name === 'undefined' || BLOCKED_NAMES.has(parameter.name)) {
        refuse(parameter, `a parameter cannot be called "${parameter.name}"`);
      }
      locals.set(parameter.name, this.slots);
      return this.slots++;
    });
    this.#locals.push(locals);
    const before = this.#count;
    const translated = this.translate(body);
    this.#locals.pop();
    return { kind: 'callback', slots, body: translated, cost: this.#count - before, start, end };
  }
}

/** Whether a node is `context` or `context.anything`, with or without `?.`, as written by somebody who reads the state. */
function isContext(node: acorn.AnyNode): boolean {
  if (node.type === 'ChainExpression') return isContext(node.expression);
  const object = node.type === 'MemberExpression' ? node.object : node;
  return object.type === 'Identifier' && object.name === 'context';
}
