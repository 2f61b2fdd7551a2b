/** The virtual clock counts nanoseconds: `40 * MS`, `ns / SECOND`. */
export const MS = 1e6;
export const SECOND = 1e9;
