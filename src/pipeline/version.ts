/** Replaced by the build with the version of package.json; absent when the sources run as they are. */
declare const TSBPFTRACE_VERSION: string | undefined;

export const VERSION: string = typeof TSBPFTRACE_VERSION === 'string' ? TSBPFTRACE_VERSION : 'development';
