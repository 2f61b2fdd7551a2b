import { expect, test } from 'vitest';
import { decodeBtf } from '../../src/btf/decode.ts';
import { checkTypes } from '../../src/btf/check-types.ts';
import { BtfWriter } from '../../src/btf/encode.ts';
import { printDeclaration, printDefinition } from '../../src/btf/print.ts';
import type { CType, FunctionProtoType } from '../../src/btf/types.ts';
import { kernelTypes } from '../../src/simkernel/kernel-types.ts';

const kernel = kernelTypes();

/** Everything of some kernel types, encoded anew and decoded. */
const again = (() => {
  const writer = new BtfWriter();
  for (const name of ['task_struct', 'file', 'sock', 'request', 'pt_regs']) writer.type(kernel.struct(name)!);
  writer.func('vfs_read', kernel.function('vfs_read')!, 'global');
  writer.func('vfs_write', kernel.function('vfs_write')!, 'global');
  return decodeBtf(writer.finish());
})();

test('the kernel types that a few structs reach survive encoding and decoding, each member where it was', () => {
  checkTypes(again);
  const structs = [...again.names('struct')];
  expect(structs.length).toBeGreaterThan(300);
  for (const name of structs) {
    const [before, after] = [kernel.struct(name)!, again.struct(name)!];
    expect(printDefinition(after), name).toBe(printDefinition(before));
    const places = ({ members }: typeof before) => members.map((m) => [m.name, m.offsetBits, m.bitfieldSize]);
    expect(places(after), name).toEqual(places(before));
    expect(after.size, name).toBe(before.size);
  }
  for (const name of again.names('enum')) expect(again.enum(name)!.values, name).toEqual(kernel.enum(name)!.values);
});

test('functions keep their parameters and results', () => {
  const words = (type: FunctionProtoType): string => printDeclaration({ kind: 'pointer', to: type } as CType, 'f');
  for (const name of ['vfs_read', 'vfs_write'])
    expect(words(again.function(name)!)).toBe(words(kernel.function(name)!));
});
