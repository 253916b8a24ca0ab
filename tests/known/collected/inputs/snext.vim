autocmd BufReadPre * execute 'snext' expand('<abuf>')
call writefile(['a line'], 'Xread')
silent! edit Xread
call writefile(['a line'], 'Xread')
silent! edit Xread
qall!
