/**
 * Syntax tree to closures: what is known when a workflow is loaded is decided then, so that an evaluation is a
 * few calls. Only own properties of data are ever read.
 */
import { callMethod, callWithCallback } from './methods.js';
import { type Fragment, fail, type Frame, kindOf, makeText, spend } from './frame.js';
import { BLOCKED_NAMES } from './limits.js';
import { BINARY, isPrintable, UNARY } from './operators.js';
import { quoted } from './problem.js';
import type { Binary, Call, Callback, List, Logical, Member, State, Syntax, Text, Unary } from './syntax.js';

export type Evaluate = (frame: Frame) => unknown;

/** What `?.` gives for a missing value: it passes through the rest of the chain, which turns it into undefined. */
const MISSING = Symbol('missing');

export function compile(syntax: Syntax, source: string): Evaluate {
  switch (syntax.kind) {
    case 'literal': {
      const { value } = syntax;
      return () => value;
    }
    case 'root': {
      const { name } = syntax;
      return (frame) => frame.scope[name];
    }
    case 'local': {
      const { slot } = syntax;
      return (frame) => frame.locals[slot];
    }
    case 'state':
      return compileState(syntax, source);
    case 'member':
      return compileMember(syntax, source);
    case 'chain': {
      const body = compile(syntax.body, source);
      return (frame) => {
        const value = body(frame);
        return value === MISSING ? undefined : value;
      };
    }
    case 'call':
      return compileCall(syntax, source);
    case 'unary':
      return compileUnary(syntax, source);
    case 'binary':
      return compileBinary(syntax, source);
    case 'logical':
      return compileLogical(syntax, source);
    case 'choice': {
      const test = compile(syntax.test, source);
      const yes = compile(syntax.yes, source);
      const no = compile(syntax.no, source);
      return (frame) => (test(frame) ? yes(frame) : no(frame));
    }
    case 'list':
      return compileList(syntax, source);
    default:
      return compileText(syntax, source);
  }
}

function compileState(node: State, source: string): Evaluate {
  const key = compile(node.key, source);
  const fragment: Fragment = { source, span: node };
  const name = (frame: Frame): string => {
    const value = key(frame);
    return typeof value === 'string' ? value : fail(fragment, `the name of a state is a text, not ${kindOf(value)}`);
  };
  return node.method === 'get'
    ? (frame) => frame.scope.context.state.get(name(frame))
    : (frame) => frame.scope.context.state.has(name(frame));
}

function compileMember(node: Member, source: string): Evaluate {
  const object = compile(node.object, source);
  const fragment: Fragment = { source, span: node };
  const { optional } = node;
  if (node.key.kind === 'literal' && typeof node.key.value === 'string') {
    const key = node.key.value;
    return (frame) => read(object(frame), key, { fragment, optional });
  }
  const computed = compile(node.key, source);
  return (frame) => {
    const value = object(frame);
    if (value === MISSING || (optional && (value === undefined || value === null))) return MISSING;
    const key = computed(frame);
    if (typeof key !== 'string' && typeof key !== 'number')
      return fail(fragment, `a name is a text or a number, not ${kindOf(key)}`);
    return read(value, key, { fragment, optional });
  };
}

/** A text that is a place in a list or text. Bounded, since a computed one can be as long as the data it comes from. */
const INDEX = /^\d{1,15}$/;

function read(object: unknown, key: string | number, at: { fragment: Fragment; optional: boolean }): unknown {
  if (object === MISSING) return MISSING;
  if (object === undefined || object === null) {
    if (at.optional) return MISSING;
    return fail(
      at.fragment,
      `${quoted(String(key))} cannot be read from a value that is missing; write "?." where it may be`,
    );
  }
  if (typeof object === 'string' || Array.isArray(object)) {
    if (key === 'length') return object.length;
    if (typeof key === 'number' || INDEX.test(key)) return own(object, Number(key));
    return fail(at.fragment, `${kindOf(object)} has no property ${quoted(key)}`);
  }
  if (typeof object !== 'object') return fail(at.fragment, `${kindOf(object)} has no property ${quoted(String(key))}`);
  if (BLOCKED_NAMES.has(String(key))) return fail(at.fragment, `the name "${String(key)}" may not be read`);
  return own(object, key);
}

function own(object: object | string, key: string | number): unknown {
  return Object.hasOwn(Object(object) as object, key) ? (object as Readonly<Record<string, unknown>>)[key] : undefined;
}

function compileCall(node: Call, source: string): Evaluate {
  const object = compile(node.object, source);
  const fragment: Fragment = { source, span: node };
  const { method, optional } = node;
  const [first] = node.inputs;
  const invoke = first?.kind === 'callback' ? withCallback(first, { method, fragment }) : withValues(node, fragment);
  return (frame) => {
    const receiver = object(frame);
    if (receiver === MISSING) return MISSING;
    if (receiver === undefined || receiver === null) {
      if (optional) return MISSING;
      return fail(fragment, `"${method}" cannot be called on a value that is missing; write "?." where it may be`);
    }
    return invoke(receiver, frame);
  };
}

type Invoke = (receiver: unknown, frame: Frame) => unknown;

function withValues(node: Call, fragment: Fragment): Invoke {
  const { method } = node;
  const inputs = node.inputs.flatMap((input) => (input.kind === 'callback' ? [] : [compile(input, fragment.source)]));
  return (receiver, frame) =>
    callMethod(receiver, method, { frame, fragment, inputs: inputs.map((input) => input(frame)) });
}

function withCallback(callback: Callback, call: { method: string; fragment: Fragment }): Invoke {
  const { method, fragment } = call;
  const body = compile(callback.body, fragment.source);
  const [itemSlot, indexSlot] = callback.slots;
  const cost = callback.cost + 1;
  return (receiver, frame) => {
    const visit = (item: unknown, index: number): unknown => {
      spend(frame, cost, fragment);
      if (itemSlot !== undefined) frame.locals[itemSlot] = item;
      if (indexSlot !== undefined) frame.locals[indexSlot] = index;
      return body(frame);
    };
    return callWithCallback(receiver, method, { frame, fragment, inputs: [], visit });
  };
}

function compileUnary(node: Unary, source: string): Evaluate {
  const operand = compile(node.operand, source);
  const fragment: Fragment = { source, span: node };
  const { operator } = node;
  const apply = UNARY[operator];
  return (frame) => apply(operand(frame), { frame, fragment });
}

function compileBinary(node: Binary, source: string): Evaluate {
  const left = compile(node.left, source);
  const right = compile(node.right, source);
  const fragment: Fragment = { source, span: node };
  const { operator } = node;
  // By far the most frequent shape of a condition, and its right side is short: nothing needs counting.
  if (node.right.kind === 'literal' && (operator === '===' || operator === '!==')) {
    const { value } = node.right;
    return operator === '===' ? (frame) => left(frame) === value : (frame) => left(frame) !== value;
  }
  const apply = BINARY[operator];
  return (frame) => apply(left(frame), right(frame), { frame, fragment });
}

function compileLogical(node: Logical, source: string): Evaluate {
  const left = compile(node.left, source);
  const right = compile(node.right, source);
  switch (node.operator) {
    case '&&':
      return (frame) => left(frame) && right(frame);
    case '||':
      return (frame) => left(frame) || right(frame);
    default:
      return (frame) => left(frame) ?? right(frame);
  }
}

function compileList(node: List, source: string): Evaluate {
  const items = node.items.map((item) => compile(item, source));
  // A list is JSON, which has no "nothing": a missing item is null.
  return (frame) => items.map((item) => item(frame) ?? null);
}

function compileText(node: Text, source: string): Evaluate {
  const { texts } = node;
  const holes = node.holes.map((hole) => ({ evaluate: compile(hole, source), fragment: { source, span: hole } }));
  return (frame) => {
    let text = texts[0] ?? '';
    for (const [index, { evaluate, fragment }] of holes.entries()) {
      const value = evaluate(frame);
      if (!isPrintable(value)) return fail(fragment, `${kindOf(value)} cannot be part of a text`);
      const rest = `${String(value)}${texts[index + 1] ?? ''}`;
      makeText(frame, text.length + rest.length, fragment);
      text += rest;
    }
    return text;
  };
}
