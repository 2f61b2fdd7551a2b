import type { HelperFunctions } from '../../abi/helpers.ts';
import { ERRNO } from '../errno.ts';
import { returnNumber, returnSigned, type HelperHost } from './helper-host.ts';

type CallHelpers = Pick<HelperFunctions, 'get_func_arg' | 'get_func_ret' | 'get_func_arg_cnt' | 'tail_call'>;

const WORD = 8;

/** Helpers about the call that a tracing program sees, and the one that hands over to another program. */
export function callHelpers(host: HelperHost): CallHelpers {
  const { words } = host.arena;
  /** Trampolines leave the number of arguments in front of them (kernel/trace/bpf_trace.c, get_func_arg). */
  const argumentsOf = (context: number): number => words[(context - WORD) >> 2]! & 0xff;
  const copy = (to: number, from: number): number => {
    words[to >> 2] = words[from >> 2]!;
    words[(to >> 2) + 1] = words[(from >> 2) + 1]!;
    return returnSigned(host, 0);
  };
  return {
    get_func_arg(context, index, indexHigh, value) {
      if (indexHigh !== 0 || index >>> 0 >= argumentsOf(context)) return returnSigned(host, -ERRNO.EINVAL);
      return copy(value, context + index * WORD);
    },
    get_func_ret(context, value) {
      if (!host.run.atReturn) return returnSigned(host, -ERRNO.EOPNOTSUPP);
      return copy(value, context + argumentsOf(context) * WORD);
    },
    get_func_arg_cnt: (context) => returnNumber(host, argumentsOf(context)),
    // User space puts programs into such an array; on this machine nobody does, and the caller goes on behind the call.
    tail_call: () => 0,
  };
}
