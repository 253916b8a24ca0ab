# A report's first line without the program's functions and lines and without the width of an access, which differ from build to build.
# To be used with sed -E.
/^(hakmem: )?(HKM-)?[0-9]+ /{
    s/: ([^ ]+\(\) )?[^ ,;]+(:[0-9]+|\+0x[0-9a-f]+) (accesses|reads|writes|executes) (memory|[0-9,]+ bytes?,?) /: \3 memory /
    s/: ([^ ]+\(\) )?[^ ,;]+(:[0-9]+|\+0x[0-9a-f]+) (uses|calls|asks) /: \3 /
    s/, called by ([^ ]+\(\) )?[^ ,;]+(:[0-9]+|\+0x[0-9a-f]+), / /
    s/ from ([^ ]+\(\) )?[^ ,;]+(:[0-9]+|\+0x[0-9a-f]+)//
    s/ freed by ([^ ]+\(\) )?[^ ,;]+(:[0-9]+|\+0x[0-9a-f]+)/ freed/
    s/, found when ([^ ]+\(\) )?[^ ,;]+(:[0-9]+|\+0x[0-9a-f]+) (freed|resized|allocated) /, found when the program \3 /
    s/, found by ([^;]*) in ([^ ]+\(\) )?[^ ,;]+(:[0-9]+|\+0x[0-9a-f]+)/, found by \1/
}
