import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { tracepoint } from './tracepoint.ts';
import type { RecordFields, Tracepoint } from './tracepoint.ts';

function faultRecord(f: RecordFields, m: Machine): (address: number, regs: KernelObject, errorCode: number) => void {
  const addressField = f.number('address');
  const ip = f.number('ip');
  const code = f.number('error_code');
  return (address, regs, errorCode) => {
    const at = (regs.address + m.abi.ip) >> 2;
    addressField(address);
    ip((m.words[at]! >>> 0) + m.words[at + 1]! * 4294967296);
    code(errorCode);
  };
}
type Fault = Tracepoint<[address: number, regs: KernelObject, errorCode: number]>;
export const pageFaultUser: Fault = tracepoint('exceptions:page_fault_user', 3, faultRecord);
export const pageFaultKernel: Fault = tracepoint('exceptions:page_fault_kernel', 3, faultRecord);
