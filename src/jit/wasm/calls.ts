import type { HelperName, HelperRow } from '../../abi/helpers.ts';
import { HELPERS } from '../../abi/helpers.ts';
import { ARG_WORDS, RETURN_KINDS } from '../../abi/helper-types.ts';
import { MAX_BPF_STACK } from '../../isa/instruction.ts';
import { INLINE_LOADS, knownReservation, mapIndex } from '../inlining.ts';
import type { State } from '../transfer.ts';
import { helperById } from '../transfer.ts';
import { LOAD_OPCODES } from './arithmetic.ts';
import { OP } from './code.ts';
import type { Scope } from './scope.ts';

function inlinedCall(scope: Scope, name: HelperName, state: State): boolean {
  const { code, module, getNarrow, set, setPointer } = scope;
  const load = INLINE_LOADS[name];
  if (load !== undefined) {
    code.i32(module.environment.current[load.location]).access(LOAD_OPCODES[load.wide ? 8 : 4], 0);
    set(0);
    return true;
  }
  if (name === 'map_lookup_elem') {
    const map = mapIndex(state[1]!);
    const lookup = map === undefined ? undefined : module.lookup(map);
    if (lookup === undefined) return false;
    getNarrow(2, state).call(lookup);
    setPointer();
    return true;
  }
  if (name === 'ringbuf_reserve') {
    const known = knownReservation(state);
    const reserve = known === undefined ? undefined : module.reserve(known.ring);
    if (known === undefined || reserve === undefined) return false;
    code.i32(known.size).call(reserve);
    setPointer();
    return true;
  }
  if (name === 'ringbuf_submit' && module.submit !== undefined) {
    getNarrow(1, state);
    scope.pushHalves(2, state);
    code.call(module.submit).i64(0n);
    set(0);
    return true;
  }
  return false;
}

/** A call of a helper, which code of the module carries out where it can. */
export function emitHelperCall(scope: Scope, id: number, state: State): void {
  const { code, module, getNarrow, set } = scope;
  const name = helperById(id);
  if (name === undefined) {
    code.op(OP.unreachable);
    return;
  }
  if (inlinedCall(scope, name, state)) return;
  const row: HelperRow = HELPERS[name];
  row.args.forEach((kind, index) => {
    if (ARG_WORDS[kind] === 2) scope.pushHalves(index + 1, state);
    else getNarrow(index + 1, state);
  });
  // Whoever calls back is told the frame of the callback.
  if (row.args.includes('func')) getNarrow(10, state).i32(MAX_BPF_STACK).op(OP.i32_sub);
  code.call(module.helper(name));
  switch (RETURN_KINDS[row.ret]) {
    case 'number':
      code.op(OP.i64_extend_i32_u);
      scope.addHighHalf();
      set(0);
      break;
    case 'pointer':
      scope.setPointer();
      break;
    case 'none':
      code.op(OP.drop).i64(0n);
      set(0);
      break;
  }
}
