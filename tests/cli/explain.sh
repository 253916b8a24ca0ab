#!/usr/bin/env bash
# `explain` shows pages as text: no mark of Markdown outside of code blocks, bold only with colour.
. "${SOURCE:?}/tests/tools/test.sh"
escape=$(printf '\033')
for code in $("$trace" explain | sed -n 's/^\(HKM-[0-9]*\) .*/\1/p'); do
    "$trace" explain "$code" >page || fail "$code: status $?"
    grep -v '^    ' page | grep -nE '^#|^\||`|\]\(|\*\*' && fail "$code: Markdown in the lines above"
    grep -q '^WHAT IT IS$' page || fail "$code: no heading WHAT IT IS"
    grep -q "$escape" page && fail "$code: escape codes in a file"
    "$trace" explain "$code" --color always | sed "s/$escape\[[0-9;]*m//g" | cmp - page || fail "$code: --color always has other text"
done
"$trace" explain HKM-101 --color always | grep -qF "${escape}[1mWHAT IT IS${escape}[0m" || fail "headings are not bold"
"$trace" explain HKM-101 --json | grep -q '## What it is' || fail "--json has no longer the page as it is"

# Each kind of block and span, as it is put into the program (tools/embed_pages).
cat >HKM-999.md <<'END'
# HKM-999 made-up

## A `b` c

a `b*c` and [words](page.md), [x](http://y/z); 2 * 3 [TAG] a_b_c \|
a link [over
two](lines.md) and [one] (none), `[x](y)`
- a
  b
- "c"

    int `x`;

    # not [a](b)
    printf("\n");

| a | `b` |
|---|:-:|
| 1 | x \| y |
| 22 |
| 3 | z | too many |

end `open
END
cat >due <<'END'
\n
\001A B C\002\n
\n
a \001b*c\002 and words, x (http://y/z); 2 * 3 [TAG] a_b_c |\na link over\ntwo and [one] (none), \001[x](y)\002\n- a\n  b\n- \"c\"\n
\n
    int `x`;\n
\n
    # not [a](b)\n
    printf(\"\\n\");\n
\n
\001a   b\002\n
1   x | y\n
22\n
3   z\n
\n
end `open\n
END
"$SOURCE/tools/embed_pages" HKM-999.md | sed -n '/^     ,$/,/^    },$/s/^     "\(.*\)"$/\1/p' | diff due - || fail "a made-up page"

# Marks that it does not know are refused at their line.
for mark in '```' '~~~ c' 'a **b** c' 'a \b' 'a\'; do
    printf '# HKM-998 made-up\n\nwords\n\n%s\n' "$mark" >HKM-998.md
    "$SOURCE/tools/embed_pages" HKM-998.md >/dev/null 2>error && fail "$mark: taken"
    grep -q '^HKM-998.md:5: ' error || fail "$mark: $(cat error)"
done
exit 0
