BEGIN { print length("\\"), match("a/b", /\//) }
