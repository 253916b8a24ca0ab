%macro twice 1
        db %1, %1
%endmacro
        twice 7
%clear
        db 8
