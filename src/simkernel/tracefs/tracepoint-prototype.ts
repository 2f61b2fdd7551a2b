import type { FunctionProtoType } from '../../btf/types.ts';
import { kernelTypes } from '../kernel-types.ts';

/** What a tracepoint calls its probes with, by the stub that the kernel has for each; the first parameter is theirs alone. */
export function tracepointProbe(name: string): FunctionProtoType | undefined {
  const stub = kernelTypes().function(`__probestub_${name}`);
  return stub && { ...stub, parameters: stub.parameters.slice(1) };
}
