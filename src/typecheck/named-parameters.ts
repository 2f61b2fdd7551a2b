import type { Call, Cast, Expression, Node, Program } from '../ast/nodes.ts';
import { INT64, UINT64 } from '../lang/types.ts';
import type { Type } from '../lang/types.ts';
import { withHint } from '../source/diagnostic.ts';
import type { NamedOption, Pass, PassContext } from './context.ts';
import { parseInteger } from './integer-text.ts';
import { booleanNode, integerNode, stringNode } from './literals.ts';
import { error, warning } from './messages.ts';
import { rewriteChildren } from './rewrite.ts';
import { spellType } from './types/type-expression.ts';

/** `getopt("name", default)` becomes the option's value. */
export const foldNamedParameters: Pass = {
  name: 'named parameters',
  run(program: Program, context: PassContext): Program {
    const options = new Map<string, Option>();
    const given = new Map<string, string | undefined>();
    for (const text of context.named) {
      const [name, ...value] = text.replace(/^--/, '').split('=');
      given.set(name ?? '', value.length === 0 ? undefined : value.join('='));
    }
    const visit = (node: Node): Node => {
      const rewritten = rewriteChildren(node, visit);
      if (rewritten.kind !== 'call' || rewritten.name !== 'getopt') return rewritten;
      return foldOption(rewritten, options, given, context);
    };
    const folded = rewriteChildren(program, visit);
    for (const [name, option] of options) context.options.set(name, option);
    // Whoever asks for help gets it from the command line, which knows the options from us.
    const unknown = [...given.keys()].filter((name) => name !== 'help' && !options.has(name));
    if (unknown.length > 0) {
      const text = `unexpected program command line options: ${list(unknown)}`;
      const unexpected = error('unexpected-option', undefined, text);
      const hint = `expected program options: ${list([...options.keys()])}`;
      context.report(options.size > 0 ? withHint(unexpected, hint) : unexpected);
    }
    return folded;
  },
};

function list(names: readonly string[]): string {
  return names.map((name) => `--${name}`).join(', ');
}

type Option = NamedOption;

function foldOption(
  node: Call,
  options: Map<string, Option>,
  given: ReadonlyMap<string, string | undefined>,
  context: PassContext,
): Expression {
  const option = parseOption(node, context);
  if (option === undefined) return node;
  const { name, fallback } = option;
  const before = options.get(name);
  if (before !== undefined && before.fallback !== fallback) {
    const text =
      `Command line option '${name}' needs to have the same default value in all places it is used. ` +
      `Previous default value: ${before.fallback}`;
    context.report(error('option-default', node.span, text));
    return node;
  }
  if (before !== undefined && option.description !== '' && before.description !== '') {
    if (before.description !== option.description) {
      const text =
        `Command line option '${name}' must have the same description in all places it's used. ` +
        'Hint: You can wrap it in a macro';
      context.report(error('option-description', node.span, text));
      return node;
    }
  }
  options.set(name, { fallback, description: option.description || (before?.description ?? '') });
  const value = given.has(name) ? parseValue(name, given.get(name), fallback, context) : fallback;
  return literal(value, fallback, node, context);
}

function parseOption(node: Call, context: PassContext): (Option & { readonly name: string }) | undefined {
  const [name, fallback, description] = node.args;
  if (name === undefined || node.args.length > 3) {
    const text = "The 'getopt' function can take a maximum of three arguments and a minimum of one argument.";
    context.report(error('getopt', node.span, text));
    return undefined;
  }
  if (name.kind !== 'string') {
    context.report(error('getopt', name.span, "First argument to 'getopt' must be a string literal."));
    return undefined;
  }
  if (description !== undefined && description.kind !== 'string') {
    const text = "Function 'getopt' requires the third parameter to be a string literal.";
    context.report(warning('getopt', description.span, text));
    return undefined;
  }
  const text = description?.value ?? '';
  if (fallback === undefined) return { name: name.value, fallback: false, description: text };
  if (fallback.kind === 'integer' || fallback.kind === 'string' || fallback.kind === 'boolean') {
    return { name: name.value, fallback: fallback.value, description: text };
  }
  const problem = "Second argument to 'getopt' must be a string literal, integer literal, or a boolean literal.";
  context.report(error('getopt', fallback.span, problem));
  return undefined;
}

function parseValue(
  name: string,
  text: string | undefined,
  fallback: Option['fallback'],
  context: PassContext,
): Option['fallback'] {
  const fail = (message: string): Option['fallback'] => {
    context.report(error('option-value', undefined, message));
    return fallback;
  };
  if (typeof fallback === 'boolean') {
    if (text === undefined || /^(true|1)$/i.test(text)) return true;
    if (/^(false|0)$/i.test(text)) return false;
    return fail(`program command line option --${name} is expecting a boolean (e.g. 'true'). Got: ${text}`);
  }
  if (text === undefined) return fail(`program command line option --${name} requires a value`);
  if (typeof fallback === 'string') return text;
  const value = parseInteger(text);
  return value ?? fail(`program command line option --${name} invalid integer (value: ${text})`);
}

/** Options have the type of their default, however small the value. */
function literal(
  value: Option['fallback'],
  fallback: Option['fallback'],
  node: Call,
  context: PassContext,
): Expression {
  const { span } = node;
  const wide = (type: Type, operand: Expression): Cast => ({
    kind: 'cast',
    span,
    type: spellType(type, span, context),
    operand,
  });
  if (typeof value === 'boolean') return booleanNode(value, span);
  if (typeof value === 'string') {
    return wide({ kind: 'string', size: context.config.max_strlen }, stringNode(value, span));
  }
  const negative = typeof fallback === 'bigint' && fallback < 0n;
  return wide(negative ? INT64 : UINT64, integerNode(value, span));
}
