/** Probes that say nothing about what a script is for. */
const DULL = /^(?:begin|end|interval|self)\b/i;
const MOST_LETTERS = 16;

/** A short name for a script that no other has: what its first telling probe is on. */
export function programName(probes: readonly string[], taken: readonly string[]): string {
  const probe = probes.find((name) => !DULL.test(name)) ?? probes[0] ?? 'script';
  const last = probe.slice(probe.lastIndexOf(':') + 1);
  const base = (/^\d*$/.test(last) ? probe.split(':')[0]! : last).replace(/[^\w*.-]/g, '').slice(0, MOST_LETTERS);
  let name = base;
  for (let n = 2; taken.includes(name); n++) name = `${base}-${n}`;
  return name;
}
