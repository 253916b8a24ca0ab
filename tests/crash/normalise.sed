# Makes reports of two crashes equal, beside tests/faults/normalise.sed.
s/sent by process [0-9]+/sent by process N/
s/, [0-9,]+ bytes, is full/, N bytes, is full/
s/and 1 more frame/and N more frames/
# Frames of libc are named as its debug information allows.
/^      #[0-9]+ / {
    / (crash|tools|faults)\/|hakmem src|in no module/ !d
    s/#[0-9]+ +/#N /
}
# What compilers leave in registers.
/^  REGISTERS/ s/of the (address|division):|that hold no valid address:|that point into the heap:|none points into a block of the heap/N/
/^      r[a-z0-9]+ +0x[0-9a-fN]+( is .*)?$/d
/^                    (that (hold no valid address|point into the heap):|none points into a block of the heap)/d
# Where exactly a recursion hits the guard page depends on where the stack begins.
s/( recurse +crash\/[a-z_]+\.c):[0-9]+/\1:N/
s/( in recurse\(\) [a-z_]+\.c):[0-9]+/\1:N/
s/( crash [a-z_]+\.c):[0-9]+ recurse/\1:N recurse/
# In level trace NEXT has one command more, and names the store for that (tests/faults/next.sh types them).
/^ {20}hakmem-trace run --check normal -- /d
/^  NEXT/s/ -s hakmem\.[a-z0-9_]+\.N\.db//g
