; Two programs and what they share: the time between a function's entry and its return, by thread.
;
;   tsbpftrace bpf verify examples/bpf/read-latency.s
;   tsbpftrace bpf asm -o read-latency.bpf.o examples/bpf/read-latency.s
;   bpftool gen skeleton read-latency.bpf.o
;
; `.attach` is the section of the object: on a real machine libbpf attaches each program where its section says.

.map start hash 8 8 10240
.map slowest array 4 8 1

.program on_entry
.attach kprobe/vfs_read
        call get_current_pid_tgid
        *(u64 *)(r10 -8) = r0           ; key: the thread
        call ktime_get_ns
        *(u64 *)(r10 -16) = r0          ; value: now
        r1 = map[start]
        r2 = r10
        r2 += -8
        r3 = r10
        r3 += -16
        r4 = 0                          ; BPF_ANY
        call map_update_elem
        r0 = 0
        exit

.program on_return
.attach kretprobe/vfs_read
        call get_current_pid_tgid
        *(u64 *)(r10 -8) = r0
        r1 = map[start]
        r2 = r10
        r2 += -8
        call map_lookup_elem
        if r0 == 0 goto done            ; entered before we were there
        r6 = *(u64 *)(r0 +0)
        call ktime_get_ns
        r0 -= r6                        ; how long
        r7 = r0
        r1 = map[start]
        r2 = r10
        r2 += -8
        call map_delete_elem
        *(u32 *)(r10 -12) = 0
        r1 = map[slowest]
        r2 = r10
        r2 += -12
        call map_lookup_elem
        if r0 == 0 goto done
        r1 = *(u64 *)(r0 +0)
        if r1 >= r7 goto done
        *(u64 *)(r0 +0) = r7
done:
        r0 = 0
        exit
