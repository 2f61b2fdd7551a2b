/** What strerror() says, for the errors that commands meet. */
const TEXTS: Readonly<Record<number, string>> = {
  1: 'Operation not permitted',
  2: 'No such file or directory',
  3: 'No such process',
  4: 'Interrupted system call',
  9: 'Bad file descriptor',
  13: 'Permission denied',
  16: 'Device or resource busy',
  17: 'File exists',
  20: 'Not a directory',
  21: 'Is a directory',
  22: 'Invalid argument',
  30: 'Read-only file system',
  39: 'Directory not empty',
  40: 'Too many levels of symbolic links',
  84: 'Invalid or incomplete multibyte or wide character',
  95: 'Operation not supported',
};
export const errorText = (negative: number): string => TEXTS[-negative] ?? `Unknown error ${-negative}`;
