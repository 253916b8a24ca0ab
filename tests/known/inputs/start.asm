section .text
global start
start:  ret
