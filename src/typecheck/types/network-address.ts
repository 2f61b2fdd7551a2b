import type { Call } from '../../ast/nodes.ts';
import type { PassContext } from '../context.ts';
import { error } from '../messages.ts';

/** The bytes of pton()'s literal, in network order; reports what is wrong with it. */
export function parseAddress(node: Call, context: PassContext): readonly number[] | undefined {
  const fail = (message: string): undefined => {
    context.report(error('pton', node.span, message));
    return undefined;
  };
  const [argument] = node.args;
  if (argument?.kind !== 'string') return fail('pton() expects an string literal at the first argument');
  const text = argument.value;
  if (!text.includes('.') && !text.includes(':')) {
    return fail(`pton() expects an string argument of an IPv4/IPv6 address, got ${text}`);
  }
  // As bpftrace does: any dot makes it an IPv4 address, also in `::ffff:1.2.3.4`.
  const bytes = text.includes('.') ? parseIpv4(text) : parseIpv6(text);
  return bytes ?? fail(`pton() expects a valid IPv4/IPv6 address, got ${text}`);
}

function parseIpv4(text: string): readonly number[] | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part))) return undefined;
  const bytes = parts.map(Number);
  return bytes.every((byte) => byte <= 255) ? bytes : undefined;
}

function parseIpv6(text: string): readonly number[] | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const groups = (half: string | undefined): string[] => (half === undefined || half === '' ? [] : half.split(':'));
  const head = groups(halves[0]);
  const tail = groups(halves[1]);
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const all = [...head, ...Array.from({ length: missing }, () => '0'), ...tail];
  if (!all.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  return all.flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}
