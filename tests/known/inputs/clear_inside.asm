%macro reset_names 1
%clear
        db %1
%endmacro
        reset_names 7
