%include "%PART_ONE%/six.inc"
        db SIX
