; Adds the numbers below the first word of the context, at most 100: a loop with a bound that the verifier can see.
;
;   tsbpftrace bpf run --mem 0a00000000000000 examples/bpf/sum-loop.s        prints 45
;   tsbpftrace bpf run --jit=interp --mem 0a00000000000000 examples/bpf/sum-loop.s

.type raw_tracepoint

        r6 = *(u64 *)(r1 +0)            ; how many; any 64-bit value as far as the verifier knows
        if r6 > 100 goto too_many       ; from here on between 0 and 100: that bounds the loop
        r0 = 0
        r7 = 0
next:
        if r7 >= r6 goto done
        r0 += r7
        r7 += 1
        goto next
done:
        exit
too_many:
        r0 = -7                         ; -E2BIG
        exit
