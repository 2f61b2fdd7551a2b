import { declareText } from '../execution/text.ts';

/** arch/x86/lib/error-inject.c: a lone `ret`, at which a function goes on that is overridden. */
declareText('just_return_func', { traceable: false });

/** Marked with ALLOW_ERROR_INJECTION in the kernel's source. */
const MARKED: ReadonlySet<string> = new Set([
  '__filemap_add_folio',
  'should_fail_alloc_page',
  'should_fail_bio',
  'should_failslab',
]);
/** So is every system call, by its definition. */
const SYSTEM_CALL = /^__(x64|arm64)_sys_\w+$/;

/** Whether the kernel bears it that a program returns from the function in its place (within_error_injection_list). */
export function mayBeOverridden(name: string): boolean {
  return MARKED.has(name) || SYSTEM_CALL.test(name);
}
