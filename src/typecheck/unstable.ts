import type { Node, Program } from '../ast/nodes.ts';
import { withHint } from '../source/diagnostic.ts';
import type { ConfigName } from '../lang/config.ts';
import type { Pass, PassContext } from './context.ts';
import { error, warning } from './messages.ts';
import { walk } from './rewrite.ts';

interface Feature {
  readonly option: ConfigName;
  readonly name: string;
}

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
      const feature = featureOf(node);
      if (feature !== undefined) checkFeature(node, feature, warned, context);
      if (node.kind === 'while') whiles.push(node);
    });
    for (const node of whiles) context.report(deprecatedWhile(node));
    return program;
  },
};

function featureOf(node: Node): Feature | undefined {
  if (node.kind === 'typeinfo') return { option: 'unstable_typeinfo', name: 'typeinfo' };
  if (node.kind === 'import') return { option: 'unstable_import_statement', name: 'import statements' };
  if (node.kind !== 'call') return undefined;
  if (node.name === 'tseries') return { option: 'unstable_tseries', name: 'tseries' };
  if (node.name === 'dw_ustack') return { option: 'unstable_dw_ustack', name: 'dw_ustack (DWARF stack unwinding)' };
  return undefined;
}

function checkFeature(node: Node, { option, name }: Feature, warned: Set<string>, context: PassContext): void {
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
