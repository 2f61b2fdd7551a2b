import type { KernelObject } from '../memory/arena.ts';
import { tracepoint } from './tracepoint.ts';
import type { Tracepoint } from './tracepoint.ts';

export const nmiHandlerEvent: Tracepoint<[handler: KernelObject, deltaNs: number, handled: number]> = tracepoint(
  'nmi:nmi_handler',
  3,
  (f) => {
    const handlerField = f.pointer('handler');
    const delta = f.number('delta_ns');
    const handledField = f.number('handled');
    return (handler, deltaNs, handled) => {
      handlerField(handler);
      delta(deltaNs);
      handledField(handled);
    };
  },
);
