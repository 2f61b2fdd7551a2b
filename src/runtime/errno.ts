import { ERRNOS, type ErrnoName } from '../abi/errno.ts';

/** Error numbers alone, for `-ERRNO.EINVAL`. */
export const ERRNO = Object.fromEntries(Object.entries(ERRNOS).map(([name, row]) => [name, row.number])) as Readonly<
  Record<ErrnoName, number>
>;
