import { EINVAL } from '../../errno.ts';

/** kernel/trace/trace_events_hist.c */
const HIST_ERRORS = {
  TOO_MANY_VARS: 'Too many variables defined',
  NAMED_MISMATCH: "Named hist trigger doesn't match existing named trigger (includes variables)",
  TRIGGER_EEXIST: 'Hist trigger already exists',
  TRIGGER_ENOENT_CLEAR: "Can't clear or continue a nonexistent hist trigger",
  BAD_FIELD_MODIFIER: 'Invalid field modifier',
  FIELD_NOT_FOUND: "Couldn't find field",
  EMPTY_ASSIGNMENT: 'Empty assignment',
  INVALID_SORT_MODIFIER: 'Invalid sort modifier',
  EMPTY_SORT_FIELD: 'Empty sort field',
  TOO_MANY_SORT_FIELDS: 'Too many sort fields (Max = 2)',
  INVALID_SORT_FIELD: 'Sort field must be a key or a val',
  NEED_NOHC_VAL: 'Hist trigger with NOHC option must have at least one more value',
  // Ours: the kernel would go on here.
  NO_VARIABLES: 'Variables, expressions and actions are not supported by this machine',
} as const;
export type HistError = keyof typeof HIST_ERRORS;

/** A definition that is refused: why (null: the kernel only returns the number), at which part of its text. */
export class HistMistake extends Error {
  readonly error: HistError | null;
  readonly part: string;
  readonly errno: number;
  constructor(error: HistError | null, part = '', errno = EINVAL) {
    super(error === null ? '' : HIST_ERRORS[error]);
    this.error = error;
    this.part = part;
    this.errno = errno;
  }
}
