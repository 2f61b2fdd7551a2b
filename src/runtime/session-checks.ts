import type { Attachment, Resources } from '../lang/resources.ts';

/** Why a session cannot begin: what is said about it, on which stream, and its exit code. */
export interface Refusal {
  readonly exitCode: number;
  readonly error?: string;
  readonly notice?: string;
}

/** What a failed session returns: -1 as an exit status. */
export const FAILED = 255;

/** Probes of the tracer itself that --probe-filter leaves alone. */
const UNFILTERED: ReadonlySet<Attachment['target']['kind']> = new Set(['begin', 'end', 'self']);

/** The attachments that a session is to make, or why it makes none. */
export function chooseAttachments(
  { attachments, config }: Resources,
  pattern: string | undefined,
): readonly Attachment[] | Refusal {
  const filter = probeFilter(pattern);
  if (typeof filter === 'string') return { exitCode: FAILED, error: filter };
  const chosen = attachments.filter(filter);
  if (chosen.length === 0) return { exitCode: 1, notice: 'No probes to attach\n' };
  if (chosen.length > config.max_probes) {
    return {
      exitCode: 1,
      error:
        `Can't attach to ${chosen.length} probes because it exceeds the current limit of ${config.max_probes} probes.\n` +
        'You can increase the limit through the BPFTRACE_MAX_PROBES environment variable, but BE CAREFUL since a high ' +
        'number of probes attached can cause your system to crash.',
    };
  }
  return chosen;
}

function probeFilter(pattern: string | undefined): ((attachment: Attachment) => boolean) | string {
  if (pattern === undefined || pattern === '') return () => true;
  let expression: RegExp;
  try {
    expression = new RegExp(pattern);
  } catch (error) {
    return `Invalid --probe-filter regex '${pattern}': ${error instanceof Error ? error.message : String(error)}`;
  }
  return ({ target, probeName }) => UNFILTERED.has(target.kind) || expression.test(probeName);
}

/** Why a session that attached nothing did so. */
export function nothingAttached(attachments: readonly Attachment[]): string {
  if (attachments.some(({ target }) => target.kind === 'test')) {
    return 'No probes attached; use --test to run test probes.';
  }
  if (attachments.some(({ target }) => target.kind === 'bench')) {
    return 'No probes attached; use --bench to run benchmark probes.';
  }
  return 'Attachment failed for all probes.';
}
