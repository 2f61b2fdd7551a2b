import { expect, test } from 'vitest';
import { decodeBtf } from '../../src/btf/decode.ts';
import { checkTypes } from '../../src/btf/check-types.ts';
import { BtfWriter } from '../../src/btf/encode.ts';
import { printDeclaration, printDefinition } from '../../src/btf/print.ts';
import type { CType, FunctionProtoType } from '../../src/btf/types.ts';
import { createTypeSet, overlayTypeSets, typesOnDemand } from '../../src/btf/type-set.ts';
import { allKernelTypes, kernelTypes } from '../../src/simkernel/kernel-types.ts';

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

test('types that the machine is made of come first, all others of the kernel are found behind them', () => {
  const all = allKernelTypes();
  expect(all.struct('task_struct')).toBe(kernelTypes().struct('task_struct'));
  expect(kernelTypes().struct('eventpoll')).toBeUndefined();
  expect(all.struct('eventpoll')?.members.map(({ name }) => name)).toContain('rdllist');
  expect(all.enumerator('BTF_VAR_GLOBAL_ALLOCATED')?.value).toBe(1n);
  expect(all.struct('no_such_struct')).toBeUndefined();
});

test('types on demand are not loaded for functions, numbers and what an earlier set has', () => {
  let loads = 0;
  const first = createTypeSet({ types: [{ kind: 'struct', name: 'near', size: 4, members: [] }] });
  const types = overlayTypeSets(
    first,
    typesOnDemand(() => {
      loads += 1;
      return createTypeSet({ types: [{ kind: 'struct', name: 'far', size: 8, members: [] }] });
    }),
  );
  expect(types.struct('near')?.size).toBe(4);
  expect([types.function('f'), types.int('int'), types.perCpuVariable('v'), [...types.names('function')]]).toEqual([
    undefined,
    undefined,
    undefined,
    [],
  ]);
  expect(loads).toBe(0);
  expect(types.struct('far')?.size).toBe(8);
  expect(loads).toBe(1);
});
