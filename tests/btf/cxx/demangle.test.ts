import fc from 'fast-check';
import { expect, test } from 'vitest';
import { demangle, withoutParameters } from '../../../src/btf/cxx/demangle.ts';

/** Names of a compiler, and what abi::__cxa_demangle says of them. */
test.each([
  ['_Z4mainv', 'main()'],
  ['_Z3addid', 'add(int, double)'],
  ['_ZN5shape6Circle4areaEv', 'shape::Circle::area()'],
  ['_ZNK5shape6Circle4areaEv', 'shape::Circle::area() const'],
  ['_ZNR5shape6Circle4moveEv', 'shape::Circle::move() &'],
  ['_ZN5shape6CircleC2Ed', 'shape::Circle::Circle(double)'],
  ['_ZN5shape6CircleD0Ev', 'shape::Circle::~Circle()'],
  ['_ZN5shape6CirclecvdEv', 'shape::Circle::operator double()'],
  ['_ZN5shape6CirclepLERKS0_', 'shape::Circle::operator+=(shape::Circle const&)'],
  ['_ZlsRSoRK5Point', 'operator<<(std::ostream&, Point const&)'],
  ['_Z3maxIiET_S0_S0_', 'int max<int>(int, int)'],
  ['_Z5applyIiJcdEEvT_DpT0_', 'void apply<int, char, double>(int, char, double)'],
  ['_Z5applyIiJEEvT_DpT0_', 'void apply<int>(int)'],
  ['_Z4sortPFiPKvS0_E', 'sort(int (*)(void const*, void const*))'],
  ['_Z4fillRA3_i', 'fill(int (&) [3])'],
  ['_Z4callM5PointKFivE', 'call(int (Point::*)() const)'],
  ['_Z3getIXadL_Z3addidEEEvv', 'void get<&(add(int, double))>()'],
  ['_Z4sizeILm4ELb1EEvv', 'void size<4ul, true>()'],
  ['_ZZ4mainvENKUlicE_clEic', 'main::{lambda(int, char)#1}::operator()(int, char) const'],
  ['_ZN12_GLOBAL__N_16hiddenEv', '(anonymous namespace)::hidden()'],
  ['_ZNSt6vectorIiSaIiEE9push_backEOi', 'std::vector<int, std::allocator<int> >::push_back(int&&)'],
  ['_ZNSsC1EPKc', 'std::basic_string<char, std::char_traits<char>, std::allocator<char> >::basic_string(char const*)'],
  [
    '_Z4nameNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE',
    'name(std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >)',
  ],
  ['_ZN4base5valueB5cxx11Ev', 'base::value[abi:cxx11]()'],
  ['_ZTV5Shape', 'vtable for Shape'],
  ['_ZTI5Shape', 'typeinfo for Shape'],
  ['_ZThn16_N5Shape4drawEv', 'non-virtual thunk to Shape::draw()'],
  ['_ZGVZ4mainvE7counter', 'guard variable for main::counter'],
  ['_Z4coldv.cold', 'cold() [clone .cold]'],
])('%s is %s', (name, declaration) => {
  const expected = declaration.replace('main::{', 'main()::{').replace('main::counter', 'main()::counter');
  expect(demangle(name)).toBe(expected);
});

test.each(['main', '_Z', '_Zfoo', '_ZN3foo', '_Z3addi_', '_Z3f0S9_', '_Z19shortname'])(
  '%s is no mangled name',
  (name) => {
    expect(demangle(name)).toBeUndefined();
  },
);

test.each([
  ['ns::f<int>(int, char (*)(int))', 'ns::f<int>'],
  ['main()::{lambda(int)#1}::operator()(int) const', 'main()::{lambda(int)#1}::operator()'],
  ['vtable for Shape', 'vtable for Shape'],
])('%s without parameters is %s', (declaration, name) => expect(withoutParameters(declaration)).toBe(name));

test('whatever follows _Z, there is an answer, and it does not take long', () => {
  const pieces = fc.constantFrom(...'NIESTPRKFDpLXJZCsvid0_1a3fooS_T_S0_DpT_UlvE_'.match(/S0?_|T_|Dp|Ul|\d?\w/g)!);
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 60 }), (found) => {
      const text = demangle(`_Z${found.join('')}`);
      return text === undefined || text.length < 1_000_000;
    }),
    { numRuns: 2000, seed: 1 },
  );
  expect(demangle(`_Z1f${'P'.repeat(10_000)}i`)).toBeUndefined();
  expect(demangle(`_Z1fI${'J'.repeat(20_000)}`)).toBeUndefined();
  expect(
    demangle(
      `_Z1f${Array.from({ length: 60 }, (_, i) => `F${i === 0 ? 'i' : `S${(i - 1).toString(36).toUpperCase()}_`}S_E`).join('')}`,
    )?.length ?? 0,
  ).toBeLessThan(2_000_000);
});
