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

/** What stands behind a type whose mangled form it precedes. */
export const QUALIFIERS: Readonly<Record<string, string>> = { r: ' restrict', V: ' volatile', K: ' const' };

/** Pointers and references to the type that follows. */
export const POINTERS: Readonly<Record<string, '*' | '&' | '&&'>> = { P: '*', R: '&', O: '&&' };

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
