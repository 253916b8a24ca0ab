# A C file of about N lines, the same every time: `make_c.py N`. It prints a number when compiled and run.
import sys

lines = int(sys.argv[1])
print("#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\nstruct row { int key; double ratio; struct row *next; char name[16]; };")
count = lines // 20
for n in range(count):
    print(
        f"""static int work{n}(struct row *rows, int count) {{
    int sum = {n};
    for (int i = 0; i < count; i++) {{
        struct row *row = &rows[(i * {n % 97 + 3}) % count];
        switch (row->key % 5) {{
        case 0: sum += row->key * {n}; break;
        case 1: row->ratio = row->ratio * 1.5 + {n}.25; break;
        case 2: snprintf(row->name, sizeof row->name, "r%d", i + {n}); break;
        case 3: for (struct row *at = row; at; at = at->next) sum ^= at->key << {n % 7}; break;
        default: sum -= (int)strlen(row->name) + (int)(row->ratio / {n + 1});
        }}
        if (sum > 1000000) sum %= 99991;
        row->key += sum & {n % 31 + 1};
    }}
    return sum;
}}
static int (*const later{n})(struct row *, int) = work{n};
"""
    )
print("int main(void) { struct row rows[8] = {{0}}; long sum = 0; for (int i = 0; i < 8; i++) rows[i].key = i;")
for n in range(count):
    print(f"    sum += later{n}(rows, 8);")
print('    printf("%ld\\n", sum); return 0; }')
