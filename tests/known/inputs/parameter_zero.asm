%macro skip_unless 1
        j%-0 %%over
%%over:
%endmacro
        skip_unless z
