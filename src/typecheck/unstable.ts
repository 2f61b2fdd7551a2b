import type { Node, Program } from '../ast/nodes.ts';
import { withHint } from '../source/diagnostic.ts';
import { UNSTABLE_FEATURES } from '../lang/config.ts';
import type { UnstableOption } from '../lang/config.ts';
import { functionRow } from '../lang/functions.ts';
import type { Pass, PassContext } from './context.ts';
import { error, warning } from './messages.ts';
import { walk } from './rewrite.ts';

const IMPORT_INSIDE =
  'Import statements that are not at the top level are primarily for the standard library. ' +
  'If this is functionality you need, please file an issue to explain why.';

/** Features that the configuration must allow, and loops that will go away. */
export const warnUnstable: Pass = {
  name: 'unstable features',
  run(program: Program, context: PassContext): Program {
    const warned = new Set<string>();
    const whiles: Node[] = [];
    walk(program, (node) => {
      const option = optionOf(node);
      if (option !== undefined) checkFeature(node, option, warned, context);
      if (node.kind === 'while') whiles.push(node);
    });
    for (const node of whiles) context.report(deprecatedWhile(node));
    return program;
  },
};

const OPTIONS: { readonly [K in Node['kind']]?: UnstableOption } = {
  typeinfo: 'unstable_typeinfo',
  import: 'unstable_import_statement',
};

function optionOf(node: Node): UnstableOption | undefined {
  return node.kind === 'call' ? functionRow(node.name)?.unstable : OPTIONS[node.kind];
}

function checkFeature(node: Node, option: UnstableOption, warned: Set<string>, context: PassContext): void {
  const name = UNSTABLE_FEATURES[option];
  const mode = context.config[option];
  if (mode === 'error') {
    const text =
      node.kind === 'import'
        ? IMPORT_INSIDE
        : `${name} feature is not enabled by default. To enable this unstable feature, ` +
          `set the config flag to enable. ${option}=enable`;
    context.report(error('unstable', node.span, text));
  } else if (mode === 'warn' && !warned.has(option)) {
    warned.add(option);
    const text =
      `Script is using an unstable feature: ${name}. To prevent this warning you must explicitly enable it ` +
      `in the config e.g. ${option}=enable`;
    // Without a place: it is about the script, not about a line of it.
    context.report(warning('unstable', undefined, text));
  }
}

function deprecatedWhile(node: Node): ReturnType<typeof warning> {
  const text = 'While loops are deprecated and may be removed in the future.';
  const hint =
    'For loops support ranges (e.g. `for ($x : $start..$end) { ... }`), and can be used in place of while. ' +
    'These are more easily proven to be bounded by the verifier.';
  return withHint(warning('deprecated-while', node.span, text), hint);
}
