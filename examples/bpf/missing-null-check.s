; A program that the verifier refuses, as Linux does: the lookup may have found nothing.
;
;   tsbpftrace bpf verify examples/bpf/missing-null-check.s
;
; The explanation names the register, what it holds and the instruction that it comes from. The repair is one line
; behind the call: `if r0 == 0 goto done`.

.type kprobe
.map counts hash 8 8 1024

        call get_current_pid_tgid
        *(u64 *)(r10 -8) = r0           ; the key: process and thread
        r1 = map[counts]
        r2 = r10
        r2 += -8
        call map_lookup_elem            ; r0 is the value's address, or 0
        r1 = *(u64 *)(r0 +0)            ; refused here
        r1 += 1
        *(u64 *)(r0 +0) = r1
done:
        r0 = 0
        exit
