import type { ContextRow } from '../../abi/contexts.ts';
import { bug } from '../../source/bug.ts';
import type { IntSize, Type } from '../../lang/types.ts';
import type { Slot, Value } from '../ir/ir.ts';

/** Bytes that the program may access directly. Bases are aligned to 8 bytes unless `align` says less. */
export interface Place {
  readonly base: Slot | Value;
  readonly offset: number;
  readonly align?: number;
  /** In the context: what loads of constant offsets may read of it. Helpers that ask for the program's memory refuse it. */
  readonly context?: ContextRow;
}

/** How much of its destination a producer must fill: `exact` every byte, `text` only what a reader of the text looks at. */
export type Filling = 'exact' | 'text';

/** What an expression was lowered to, by where its value is. */
export type Operand =
  | { readonly kind: 'none' }
  /** In a register, extended to 64 bits by its type's sign. */
  | { readonly kind: 'scalar'; readonly value: Value }
  | { readonly kind: 'place'; readonly place: Place }
  /** In kernel or user memory, to be read by a helper. */
  | { readonly kind: 'remote'; readonly pointer: Value; readonly offset: number; readonly space: 'kernel' | 'user' }
  /** Operands are evaluated; the bytes are made where the consumer wants them. */
  | { readonly kind: 'producer'; readonly write: (to: Place, filling: Filling) => void };

export const NONE: Operand = { kind: 'none' };

export function scalar(value: Value): Operand {
  return { kind: 'scalar', value };
}

/** How a value of this type sits in a register; undefined for what is only ever bytes in memory. */
export function scalarShape(type: Type): { readonly size: IntSize; readonly signed: boolean } | undefined {
  switch (type.kind) {
    case 'bool':
      return { size: 1, signed: false };
    case 'int':
      return { size: type.size, signed: type.signed };
    case 'enum':
      return { size: asIntSize(type.enum.size), signed: type.enum.signed };
    case 'pointer':
    case 'ksym':
    case 'username':
    case 'strerror':
    case 'count':
      return { size: 8, signed: false };
    case 'sum':
    case 'min':
    case 'max':
    case 'avg':
      return { size: 8, signed: type.signed };
    default:
      return undefined;
  }
}

function asIntSize(size: number): IntSize {
  return size === 1 || size === 2 || size === 4 || size === 8 ? size : bug(`no integer has ${size} bytes`);
}

export function at(place: Place, offset: number): Place {
  return { ...place, offset: place.offset + offset };
}
