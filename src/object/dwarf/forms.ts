import { badObject } from '../bad-object.ts';
import { FORMS, type Form } from './constants.ts';
import type { DwarfCursor } from './cursor.ts';

/** Facts of a unit that the size and place of its values depend on. */
export interface UnitShape {
  readonly version: number;
  readonly offsetSize: 4 | 8;
  readonly addressSize: number;
  /** Where the unit begins in .debug_info: references within it count from there. */
  readonly start: number;
}

/** Sections that texts stand in. */
export interface TextSections {
  readonly str: DwarfCursor;
  readonly lineStr: DwarfCursor;
}

/** An address, or what stands at this number of one of the unit's tables, which may be known only later. */
export interface Reference {
  readonly to: 'address' | 'addressNumber' | 'textNumber' | 'rangesNumber';
  readonly value: number;
}
export type Value = number | string | Uint8Array | Reference;

type Reader = (c: DwarfCursor, unit: UnitShape, texts: TextSections) => Value;

function textAt(section: DwarfCursor, offset: number): string {
  section.at = offset;
  return section.text();
}
const refer =
  (to: Reference['to'], read: (c: DwarfCursor, unit: UnitShape) => number): Reader =>
  (c, unit) => ({ to, value: read(c, unit) });
const inUnit =
  (read: (c: DwarfCursor) => number): Reader =>
  (c, { start }) =>
    start + read(c);

const READERS: Readonly<Record<Form, Reader>> = {
  addr: refer('address', (c, { addressSize }) => c.unsigned(addressSize)),
  block1: (c) => c.block(c.u8()),
  block2: (c) => c.block(c.u16()),
  block4: (c) => c.block(c.u32()),
  block: (c) => c.block(c.uleb()),
  exprloc: (c) => c.block(c.uleb()),
  data1: (c) => c.u8(),
  data2: (c) => c.u16(),
  data4: (c) => c.u32(),
  data8: (c) => c.u64(),
  data16: (c) => c.block(16),
  sdata: (c) => c.sleb(),
  udata: (c) => c.uleb(),
  string: (c) => c.text(),
  strp: (c, { offsetSize }, { str }) => textAt(str, c.unsigned(offsetSize)),
  lineStrp: (c, { offsetSize }, { lineStr }) => textAt(lineStr, c.unsigned(offsetSize)),
  strx: refer('textNumber', (c) => c.uleb()),
  strx1: refer('textNumber', (c) => c.u8()),
  strx2: refer('textNumber', (c) => c.u16()),
  strx3: refer('textNumber', (c) => c.unsigned(3)),
  strx4: refer('textNumber', (c) => c.u32()),
  addrx: refer('addressNumber', (c) => c.uleb()),
  addrx1: refer('addressNumber', (c) => c.u8()),
  addrx2: refer('addressNumber', (c) => c.u16()),
  addrx3: refer('addressNumber', (c) => c.unsigned(3)),
  addrx4: refer('addressNumber', (c) => c.u32()),
  flag: (c) => c.u8(),
  flagPresent: () => 1,
  // DWARF 2 wrote it with the size of an address.
  refAddr: (c, { version, addressSize, offsetSize }) => c.unsigned(version <= 2 ? addressSize : offsetSize),
  ref1: inUnit((c) => c.u8()),
  ref2: inUnit((c) => c.u16()),
  ref4: inUnit((c) => c.u32()),
  ref8: inUnit((c) => c.u64()),
  refUdata: inUnit((c) => c.uleb()),
  // What another file has leads nowhere.
  refSig8: (c) => (c.u64(), -1),
  refSup4: (c) => (c.u32(), -1),
  refSup8: (c) => (c.u64(), -1),
  strpSup: (c, { offsetSize }) => (c.unsigned(offsetSize), ''),
  secOffset: (c, { offsetSize }) => c.unsigned(offsetSize),
  loclistx: (c) => c.uleb(),
  rnglistx: refer('rangesNumber', (c) => c.uleb()),
  indirect: (c, unit, texts) => readForm(c.uleb(), c, unit, texts),
  implicitConst: () => badObject('a value that its abbreviation should have'),
};

const BY_NUMBER = new Map<number, Reader>(Object.entries(FORMS).map(([name, code]) => [code, READERS[name as Form]]));

export function readForm(form: number, c: DwarfCursor, unit: UnitShape, texts: TextSections): Value {
  const reader = BY_NUMBER.get(form) ?? badObject(`debugging information has values of form 0x${form.toString(16)}`);
  return reader(c, unit, texts);
}
