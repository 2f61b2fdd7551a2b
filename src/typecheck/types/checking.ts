import type { MapDeclaration, Node, Probe, Subprogram } from '../../ast/nodes.ts';
import type { PassContext } from '../context.ts';
import type { Inference } from './infer.ts';
import type { Typing } from './typing.ts';

/** What the checks share. */
export interface Checking {
  readonly inference: Inference;
  readonly context: PassContext;
  readonly usedMaps: Set<string>;
  readonly declarations: ReadonlyMap<string, MapDeclaration>;
  top: Probe | Subprogram | undefined;
  loops: number;
  /** Statements that end the body of a probe, a function or a loop. */
  readonly last: WeakSet<Node>;
}

/** What inference found for a node. */
export function typingOf(node: Node, checking: Checking): Typing | undefined {
  return checking.inference.resolver.get(node);
}
