# The registry names a SuperSlab whose addresses are free for the program.
# scenario: lookup
# file: src/pool/pool.c
# says: is taken for a SuperSlab
s/(static void forget_and_unmap\(struct hak_superslab \*superslab\) \{\n)(.*?)    unmap\(superslab\);\n\}/$1    unmap(superslab);\n$2}/s;
