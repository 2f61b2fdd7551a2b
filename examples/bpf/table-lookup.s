; Constants in memory: a table of primes that programs can only read, and a bound that the verifier can see.
;
;   tsbpftrace bpf run --mem 0300000000000000 examples/bpf/table-lookup.s        prints 7
;   tsbpftrace bpf asm -o table.o examples/bpf/table-lookup.s                    an object with a .rodata section
;
; 0x80 is BPF_F_RDONLY_PROG: take it away, and the array is .data in the object.

.type raw_tracepoint
.map rodata array 4 8 1 0x80
.data rodata 02 03 05 07 0b 0d 11 13            ; the first eight

        r2 = *(u64 *)(r1 +0)            ; which one; any number as far as the verifier knows
        r2 &= 7                         ; between 0 and 7: without this line the load below is refused
        r1 = map[rodata]+0              ; the address of the map's only value, not of the map
        r1 += r2
        r0 = *(u8 *)(r1 +0)
        exit
