new
silent! arglocal Xlocal
redraw!
silent! put ='words'
silent! 2#
qall!
