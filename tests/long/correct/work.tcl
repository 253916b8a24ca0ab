# Dictionaries, lists, regular expressions and errors in Tcl: `tclsh work.tcl`. Its output depends on nothing else.
set words [dict create]
set rows {}
for {set n 0} {$n < 60000} {incr n} {
    set word ""
    for {set k 0} {$k <= $n % 8} {incr k} { append word [format %c [expr {97 + ($n * 7919 + $k * 31) * ($k + 3) % 65521 % 26}]] }
    dict incr words $word $n
    if {$n % 8 == 0} { lappend rows [list $word $n] }
}
set sum 0
foreach key [lsort [dict keys $words]] { set sum [expr {($sum * 33 + [dict get $words $key] + [string length $key]) % 1000003}] }
puts "[dict size $words] $sum"
set text [join [lsort -index 1 -integer -decreasing $rows] \n]
puts "[string length $text] [regsub -all {(\w)\w*?\1 (\d+)} $text {\2=\1} changed] [string length $changed]"
for {set n 0} {$n < 300} {incr n} { incr sum [catch { error "number $n" } message]; incr sum [string length $message] }
puts $sum
exit 3
