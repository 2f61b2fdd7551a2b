import type { Node, Program } from '../ast/nodes.ts';
import type { PassContext } from './context.ts';
import { error } from './messages.ts';
import { walk } from './rewrite.ts';

/** What only asks for a type is never run: it may not assign to maps. */
const ASKING: { readonly [K in Node['kind']]?: string } = {
  sizeof: 'sizeof',
  offsetof: 'offsetof',
  typeof: 'typeof or typeinfo',
  typeinfo: 'typeof or typeinfo',
};

/** Reports assignments to maps inside `sizeof` and its kin. */
export function checkMapAssignments(program: Program, context: PassContext): void {
  walk(program, (node) => {
    const name = ASKING[node.kind];
    if (name === undefined || !('operand' in node)) return;
    walk(node.operand, (inner) => {
      if (inner.kind !== 'assignment' || (inner.target.kind !== 'map' && inner.target.kind !== 'map_access')) return;
      context.report(error('map-assignment', inner.span, `Map assignments not allowed inside of ${name}`));
    });
  });
}
