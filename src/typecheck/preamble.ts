import type { Expression, Identifier, Node, Program } from '../ast/nodes.ts';
import { overlayTypeSets } from '../btf/type-set.ts';
import type { TypeSet } from '../btf/types.ts';
import { hasErrors } from '../source/diagnostic.ts';
import { createSource } from '../source/source.ts';
import { parseCPreamble } from './c/preamble.ts';
import type { Pass, PassContext } from './context.ts';
import { error } from './messages.ts';
import { relocate, rewriteChildren } from './rewrite.ts';

/** Reads the script's C definitions. */
export const readPreamble: Pass = {
  name: 'C preamble',
  run(program: Program, context: PassContext): Program {
    const { importedHeaders, includes = [] } = context;
    const files = userTypes(context);
    if (files.length > 0) {
      context.definitions = {
        ...context.definitions,
        types: overlayTypeSets(context.definitions.types, ...files, context.target.types),
      };
    }
    if (program.cStatements.length + includes.length + importedHeaders.size === 0) return program;
    const preamble = parseCPreamble({
      statements: program.cStatements,
      types: context.target.types,
      syscalls: () => context.target.syscalls(),
      ...(context.readInclude === undefined ? {} : { readInclude: context.readInclude }),
      includes,
      headers: importedHeaders,
      defines: { [context.target.abi.define]: '1' },
    });
    for (const diagnostic of preamble.diagnostics) context.report(diagnostic);
    context.definitions = {
      types: overlayTypeSets(preamble.types, ...files, context.target.types),
      macros: preamble.macros,
      enumerators: preamble.enumerators,
    };
    return program;
  },
};

/** Structures of the programs that the script probes, where these have debugging information. */
function userTypes(context: PassContext): readonly TypeSet[] {
  const paths = [...context.attachPoints.values()].flatMap(({ target }) =>
    target?.kind === 'uprobe' || target?.kind === 'uretprobe' || target?.kind === 'usdt' ? [target.path] : [],
  );
  return [...new Set(paths)].flatMap((path) => context.target.userFile(path)?.types ?? []);
}

/** Bare words that are object-like C macros become their replacement, parsed as an expression. */
export const expandCMacros: Pass = {
  name: 'C macros',
  run(program: Program, context: PassContext): Program {
    if (context.definitions.macros.size === 0) return program;
    return rewriteChildren(program, (node) => expand(node, [], context));
  },
};

function expand(node: Node, active: readonly string[], context: PassContext): Node {
  if (node.kind === 'identifier') return expandIdentifier(node, active, context);
  return rewriteChildren(node, (child) => expand(child, active, context));
}

function expandIdentifier(node: Identifier, active: readonly string[], context: PassContext): Node {
  const text = context.definitions.macros.get(node.name);
  if (text === undefined || context.parseExpression === undefined) return node;
  if (active.includes(node.name)) {
    context.report(error('macro-recursion', node.span, `Macro recursion: ${active.join('->')}`));
    return node;
  }
  const { value, diagnostics } = context.parseExpression(createSource(node.name, text));
  if (value === undefined || hasErrors(diagnostics)) {
    const message = `unable to expand macro as an expression: ${text}`;
    context.report(error('macro-expression', node.span, message));
    return node;
  }
  const expression: Expression = relocate(value, node.span);
  const names = [...active, node.name];
  // As in bpftrace, a macro that is nothing but another macro's name ends there.
  return rewriteChildren(expression, (child) => expand(child, names, context));
}
