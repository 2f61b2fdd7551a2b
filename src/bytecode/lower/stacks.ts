import { type Type, UINT64 } from '../../lang/types.ts';
import { bug } from '../../source/bug.ts';
import type { Span } from '../../source/source.ts';
import { context } from './builtins.ts';
import { runtimeError } from './events.ts';
import type { Lowerer } from './lowerer.ts';
import { addressOf, storeScalar, storeWords } from './memory.ts';
import { type Operand, at } from './operand.ts';

/** BPF_F_USER_STACK and BPF_F_USER_BUILD_ID (include/uapi/linux/bpf.h). */
const USER_STACK = 1 << 8;
const USER_BUILD_ID = 1 << 11;

/** The stack's addresses with their number in front, as lang/map-layout.ts lays them out. */
export function lowerStack(l: Lowerer, type: Type, span: Span): Operand {
  if (type.kind !== 'kstack' && type.kind !== 'ustack') return bug(`a ${type.kind} is no stack`);
  const { b } = l;
  const user = type.kind === 'ustack';
  const counter = user ? 8 : 0;
  const frameSize = type.mode === 'build_id' ? 32 : 8;
  const flags = user ? USER_STACK | (type.mode === 'build_id' ? USER_BUILD_ID : 0) : 0;
  const error = `Error reading ${type.kind}.`;
  return {
    kind: 'producer',
    write: (to, filling) => {
      const size = type.limit * frameSize;
      // The helper clears what it does not fill.
      const written = b.call('get_stack', context(l), addressOf(b, at(to, counter + 8)), size, flags);
      const [read, failed, done] = [b.newBlock(), b.newBlock(), b.newBlock()];
      b.branch('jsge', written, 0, read, failed);
      b.enter(failed);
      storeScalar(b, at(to, counter), UINT64, b.const(0));
      if (filling === 'exact') runtimeError(l, error, span);
      b.jump(done);
      b.enter(read);
      storeScalar(b, at(to, counter), UINT64, b.alu('div', written, frameSize));
      b.jump(done);
      b.enter(done);
      if (!user) return;
      storeWords(b, to, [
        { size: 4, value: b.alu('rsh', b.call('get_current_pid_tgid'), 32) },
        { size: 4, value: b.const(l.origin.attachment) },
      ]);
    },
  };
}
