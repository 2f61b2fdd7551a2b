import type { Node, Program } from '../ast/nodes.ts';
import type { Pass, PassContext } from './context.ts';
import { booleanNode } from './literals.ts';
import { error } from './messages.ts';
import { rewriteChildren } from './rewrite.ts';

/** `is_scalar(@m)`: known once every use of the map has been seen. */
export const foldScalarMaps: Pass = {
  name: 'scalar maps',
  run(program: Program, context: PassContext): Program {
    const visit = (node: Node): Node => {
      const rewritten = rewriteChildren(node, visit);
      if (rewritten.kind !== 'call' || rewritten.name !== 'is_scalar' || rewritten.args.length !== 1) return rewritten;
      const map = rewritten.args[0]!;
      if (map.kind !== 'map') {
        const text = 'is_scalar() expects a map for the first argument';
        context.report(error('is-scalar', rewritten.span, text));
        return rewritten;
      }
      const scalar = context.maps.scalar.get(map.name);
      if (scalar !== undefined) return booleanNode(scalar, rewritten.span);
      context.report(error('is-scalar', rewritten.span, `Unknown map: @${map.name}`));
      return rewritten;
    };
    return rewriteChildren(program, visit);
  },
};
