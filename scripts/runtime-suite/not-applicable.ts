/** Tests that ask for more than a script on a machine of ours, by their titles; a `*` stands for any text. */
export const NOT_APPLICABLE: readonly { readonly why: string; readonly tests: readonly string[] }[] = [
  {
    why: "bpftool of the host is asked what the host's kernel has loaded",
    tests: [
      'probe.kprobe_wildcard_multi',
      'probe.kprobe_multi_wildcard',
      'probe.uprobe_multi_wildcard*',
      'probe.uretprobe_multi_wildcard',
      'probe.kprobe_wildcard probe builtin',
      'probe.kretprobe_wildcard_multi*',
      'probe.kprobe_session*',
      'probe.attach_to_bpf_program',
    ],
  },
  {
    why: 'modules nf_tables, xfs and kvm: not of the machine',
    tests: ['btf.kernel_module_*', 'btf.kprobe_kernel_module_type_fwd', 'probe.kprobe_offset_module*'],
  },
  {
    why: 'a shell of the host starts a namespace or mounts',
    tests: ['pid_namespace.*', 'uprobe.*mount namespace', 'usdt.*mountns', 'regression.config max_strlen with 8 cpus'],
  },
  {
    why: "a shell of the host runs test programs, or reads the host's trace file",
    tests: [
      'call.debugf*',
      'signals.strace no quit',
      'regression.address_probe_invalid_expansion',
      'watchpoint.watchpoint - absolute address',
      'watchpoint.watchpoint - existing thread',
    ],
  },
  { why: 'programs in Go and Rust', tests: ['languages.*'] },
  {
    why: "bpftrace's own name, the text of its library, an executable made of a script",
    tests: ['basic.it shows version', 'stdlib.assert_macro', 'interop.interop return types', 'other.*aot'],
  },
];

const patterns = NOT_APPLICABLE.map(({ why, tests }) => ({
  why,
  matches: tests.map((title) => new RegExp(`^${title.replace(/[.+?^$(){}|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`)),
}));

/** Why a test cannot pass here; undefined if nothing is known against it. */
export function whyNot(title: string): string | undefined {
  return patterns.find(({ matches }) => matches.some((pattern) => pattern.test(title)))?.why;
}
