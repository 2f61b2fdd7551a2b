import type { HelperRow } from '../../abi/helpers.ts';
import { HELPERS } from '../../abi/helpers.ts';
import { ARG_WORDS, RETURN_KINDS } from '../../abi/helper-types.ts';
import { MAX_BPF_STACK } from '../../isa/instruction.ts';
import { type Inlined, inlinedCall } from '../inlining.ts';
import type { State } from '../transfer.ts';
import { helperById } from '../transfer.ts';
import { LOAD_OPCODES } from './arithmetic.ts';
import { OP } from './code.ts';
import type { Scope } from './scope.ts';

/** Carries a call out by code of the module; false where the module has none for it. */
function emitInlined(scope: Scope, inlined: Inlined, state: State): boolean {
  const { code, module, getNarrow, set, setPointer } = scope;
  switch (inlined.kind) {
    case 'load':
      code.i32(module.environment.current[inlined.location]).access(LOAD_OPCODES[inlined.wide ? 8 : 4], 0);
      set(0);
      return true;
    case 'array_lookup':
    case 'hash_lookup': {
      const lookup = module.lookup(inlined.map);
      if (lookup === undefined) return false;
      getNarrow(2, state).call(lookup);
      setPointer();
      return true;
    }
    case 'reserve': {
      const reserve = module.reserve(inlined.ring);
      if (reserve === undefined) return false;
      code.i32(inlined.size).call(reserve);
      setPointer();
      return true;
    }
    case 'submit':
      if (module.submit === undefined) return false;
      getNarrow(1, state);
      scope.pushHalves(2, state);
      code.call(module.submit).i64(0n);
      set(0);
      return true;
  }
}

/** A call of a helper, which code of the module carries out where it can. */
export function emitHelperCall(scope: Scope, id: number, state: State): void {
  const { code, module, getNarrow, set } = scope;
  const name = helperById(id);
  if (name === undefined) {
    code.op(OP.unreachable);
    return;
  }
  const inlined = inlinedCall(id, state, scope.program.maps);
  if (inlined !== undefined && emitInlined(scope, inlined, state)) return;
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
