# A SuperSlab that finds no place in the reserve is left where it is.
# scenario: full full3
# file: src/pool/pool.c
# says: was not there
s/(void hak_pool_release\(.*?keep\(superslab, count_places\(\)\)\)\n)\s*forget_and_unmap\(superslab\);/$1        hak_registry_change(superslab, HAK_OWNER_RESERVE);/s;
