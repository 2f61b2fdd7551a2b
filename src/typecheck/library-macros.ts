/**
 * The part of the standard library that is written in the language itself (docs/stdlib.md of bpftrace 0.27 says what each
 * does). What needs a helper or user space is a row of lang/functions.ts instead.
 */
export const LIBRARY_MACROS = {
  assert: `macro assert(condition, message) {
  if (!condition) {
    errorf("assert failed: %s", message);
    exit(1);
  }
}`,
  static_assert: `macro static_assert(condition, message) {
  if comptime (!condition) {
    fail(message);
  }
}`,
  is_str: `macro is_str(value) { typeinfo(value).base_type == "string" }`,
  is_ptr: `macro is_ptr(value) { typeinfo(value).base_type == "pointer" }`,
  is_array: `macro is_array(value) { typeinfo(value).base_type == "array" }`,
  is_integer: `macro is_integer(value) { typeinfo(value).base_type == "int" }`,
  is_unsigned_integer: `macro is_unsigned_integer(value) {
  typeinfo(value).base_type == "int" && typeinfo(value).full_type[0] == 117
}`,
  is_err: `macro is_err(pointer) { ((int64)pointer) < 0 && ((int64)pointer) >= (-4095) }`,
  ppid: `macro ppid(task) { task.real_parent.pid }
macro ppid() { ppid(curtask) }`,
  pcomm: `macro pcomm(task) { task.real_parent.comm }
macro pcomm() { pcomm(curtask) }`,
  leader_tid: `macro leader_tid(task) { task.group_leader.pid }
macro leader_tid() { leader_tid(curtask) }`,
  leader_comm: `macro leader_comm(task) { task.group_leader.comm }
macro leader_comm() { leader_comm(curtask) }`,
  has_cpid: `macro has_cpid() { cpid != 0 }`,
  default_str_length: `macro default_str_length() { sizeof(str((int8*)0)) }`,
  strcap: `macro strcap(text) {
  if comptime is_str(text) {
    sizeof(text)
  } else if comptime is_array(text) {
    sizeof(text) / sizeof((text[0]))
  } else {
    strlen(text)
  }
}`,
  container_of: `macro container_of(pointer, type, member) {
  $start = (void*)pointer;
  (type*)($start - offsetof(type, member))
}`,
} as const satisfies Record<string, string>;
