/** Operators by their two letters (Itanium C++ ABI, 5.1.3 and 5.1.6): how they are written, and between how many operands. */
interface OperatorRow {
  readonly text: string;
  readonly operands: 1 | 2 | 3;
}
const row = (text: string, operands: 1 | 2 | 3): OperatorRow => ({ text, operands });

export const OPERATORS: Readonly<Record<string, OperatorRow>> = {
  nw: row('new', 3),
  na: row('new[]', 3),
  dl: row('delete', 1),
  da: row('delete[]', 1),
  aw: row('co_await', 1),
  ps: row('+', 1),
  ng: row('-', 1),
  ad: row('&', 1),
  de: row('*', 1),
  co: row('~', 1),
  pl: row('+', 2),
  mi: row('-', 2),
  ml: row('*', 2),
  dv: row('/', 2),
  rm: row('%', 2),
  an: row('&', 2),
  or: row('|', 2),
  eo: row('^', 2),
  aS: row('=', 2),
  pL: row('+=', 2),
  mI: row('-=', 2),
  mL: row('*=', 2),
  dV: row('/=', 2),
  rM: row('%=', 2),
  aN: row('&=', 2),
  oR: row('|=', 2),
  eO: row('^=', 2),
  ls: row('<<', 2),
  rs: row('>>', 2),
  lS: row('<<=', 2),
  rS: row('>>=', 2),
  eq: row('==', 2),
  ne: row('!=', 2),
  lt: row('<', 2),
  gt: row('>', 2),
  le: row('<=', 2),
  ge: row('>=', 2),
  ss: row('<=>', 2),
  nt: row('!', 1),
  aa: row('&&', 2),
  oo: row('||', 2),
  pp: row('++', 1),
  mm: row('--', 1),
  cm: row(',', 2),
  pm: row('->*', 2),
  pt: row('->', 2),
  cl: row('()', 2),
  ix: row('[]', 2),
  qu: row('?', 3),
};

/** Types of one letter, and of `D` and one letter. */
export const BUILTIN_TYPES: Readonly<Record<string, string>> = {
  v: 'void',
  w: 'wchar_t',
  b: 'bool',
  c: 'char',
  a: 'signed char',
  h: 'unsigned char',
  s: 'short',
  t: 'unsigned short',
  i: 'int',
  j: 'unsigned int',
  l: 'long',
  m: 'unsigned long',
  x: 'long long',
  y: 'unsigned long long',
  n: '__int128',
  o: 'unsigned __int128',
  f: 'float',
  d: 'double',
  e: 'long double',
  g: '__float128',
  z: '...',
  Dd: 'decimal64',
  De: 'decimal128',
  Df: 'decimal32',
  Dh: 'half',
  Di: 'char32_t',
  Ds: 'char16_t',
  Du: 'char8_t',
  Da: 'auto',
  Dc: 'decltype(auto)',
  Dn: 'decltype(nullptr)',
};

/** What stands behind a literal of an integer type. */
export const LITERAL_SUFFIXES: Readonly<Record<string, string>> = { i: '', j: 'u', l: 'l', m: 'ul', x: 'll', y: 'ull' };

/** Abbreviations of names in `std`: as they are shown, in full where a constructor follows, and the last part. */
export const STANDARD_NAMES: Readonly<
  Record<string, { readonly short: string; readonly full: string; readonly last: string }>
> = {
  t: { short: 'std', full: 'std', last: 'std' },
  a: { short: 'std::allocator', full: 'std::allocator', last: 'allocator' },
  b: { short: 'std::basic_string', full: 'std::basic_string', last: 'basic_string' },
  s: {
    short: 'std::string',
    full: 'std::basic_string<char, std::char_traits<char>, std::allocator<char> >',
    last: 'basic_string',
  },
  i: { short: 'std::istream', full: 'std::basic_istream<char, std::char_traits<char> >', last: 'basic_istream' },
  o: { short: 'std::ostream', full: 'std::basic_ostream<char, std::char_traits<char> >', last: 'basic_ostream' },
  d: { short: 'std::iostream', full: 'std::basic_iostream<char, std::char_traits<char> >', last: 'basic_iostream' },
};

/** `_ZT*` and `_ZG*`: what the compiler makes for a type or a variable. */
export const SPECIAL_TYPES: Readonly<Record<string, string>> = {
  TV: 'vtable for ',
  TT: 'VTT for ',
  TI: 'typeinfo for ',
  TS: 'typeinfo name for ',
};
export const SPECIAL_NAMES: Readonly<Record<string, string>> = {
  GV: 'guard variable for ',
  TH: 'TLS init function for ',
  TW: 'TLS wrapper function for ',
};
