%macro skip_unless 1
        j%-1 %%over
%%over:
%endmacro
        skip_unless z
