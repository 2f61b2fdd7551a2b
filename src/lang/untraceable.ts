/** Kernel functions that bpftrace leaves alone, because probing them can bring a system down. */
const UNTRACEABLE: ReadonlySet<string> = new Set(['arch_cpu_idle', 'default_idle', 'bpf_dispatcher_xdp_func']);
/** What the compiler has cut off a function. */
const PART = /\.part\.\d/;
const UNTRACEABLE_PREFIXES = ['__ftrace_invalid_address__', 'rcu_'];

/** Whether bpftrace neither lists nor matches the function. */
export function isUntraceable(name: string): boolean {
  return UNTRACEABLE.has(name) || UNTRACEABLE_PREFIXES.some((prefix) => name.startsWith(prefix)) || PART.test(name);
}
