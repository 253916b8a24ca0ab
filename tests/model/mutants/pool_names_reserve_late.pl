# The registry names the reserve after the SuperSlab is there, where it may have been claimed.
# scenario: claim
# file: src/pool/pool.c
# says: lists a SuperSlab of
s/(    hak_registry_change\(superslab, HAK_OWNER_RESERVE\);\n)    return (hak_reserve_keep\([^;]*);/
    bool kept = $2;
    if (kept)
        hak_registry_change(superslab, HAK_OWNER_RESERVE);
    return kept;/;
