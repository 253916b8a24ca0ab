# A SuperSlab that finds no place in the reserve is not kept beyond it, and stays where it is.
# scenario: full back
# file: src/pool/pool.c
# says: was not there
s/if \(!keep\(superslab, HAK_RESERVE_PLACES\)\) \{/hak_registry_change(superslab, HAK_OWNER_RESERVE);\n    if (false) {/;
