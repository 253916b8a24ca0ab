/* Defines a function of SQLite as a jump through the table that its loader gives, on x86-64. */
#ifndef HAK_PLATFORM_X86_64_SQLITE_JUMP_H
#define HAK_PLATFORM_X86_64_SQLITE_JUMP_H

#define HAK_SQLITE_JUMP(name)                                                                      \
    __asm__ volatile(".pushsection .text\n"                                                        \
                     ".globl sqlite3_" #name "\n.hidden sqlite3_" #name "\n"                       \
                     ".type sqlite3_" #name ", @function\n"                                        \
                     "sqlite3_" #name ": movq sqlite3_api(%%rip), %%r11\n"                         \
                     "jmp *%c0(%%r11)\n.popsection"                                                \
                     :                                                                             \
                     : "i"(&(sqlite3_##name)));

#endif
