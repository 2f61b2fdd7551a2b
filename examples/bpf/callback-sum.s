; A loop that the kernel runs: bpf_loop() calls a function of the program, and a function calls a function.
;
;   tsbpftrace bpf run examples/bpf/callback-sum.s        prints 30: 0 + 1 + 4 + 9 + 16
;
; `bpf verify -v` shows the callback's own frame, and how the verifier walks it until nothing new comes out.

.type kprobe

        *(u64 *)(r10 -8) = 0            ; the sum, in the caller's frame
        r1 = 5                          ; how often
        r2 = func[add_square]           ; what to call, with the round's number and
        r3 = r10                        ; this address
        r3 += -8
        r4 = 0
        call loop                       ; a helper: bpf_loop
        r0 = *(u64 *)(r10 -8)
        exit

add_square:
        r6 = r2                         ; r1 to r5 do not survive a call, r6 to r9 do
        call square                     ; a function of this program
        r1 = *(u64 *)(r6 +0)
        r1 += r0
        *(u64 *)(r6 +0) = r1
        r0 = 0                          ; go on; 1 would end the loop
        exit

square:
        r0 = r1
        r0 *= r1
        exit
