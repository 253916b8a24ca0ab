%include "%PART_ONE%/directory/between/the/two/%PART_TWO%/and/what/follows/it.inc"
