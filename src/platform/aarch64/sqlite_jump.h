/* Defines a function of SQLite as a jump through the table that its loader gives, on aarch64. */
#ifndef HAK_PLATFORM_AARCH64_SQLITE_JUMP_H
#define HAK_PLATFORM_AARCH64_SQLITE_JUMP_H

#define HAK_SQLITE_JUMP(name)                                                                      \
    __asm__ volatile(".pushsection .text\n"                                                        \
                     ".balign 4\n"                                                                 \
                     ".globl sqlite3_" #name "\n.hidden sqlite3_" #name "\n"                       \
                     ".type sqlite3_" #name ", %%function\n"                                       \
                     "sqlite3_" #name ": adrp x16, sqlite3_api\n"                                  \
                     "ldr x16, [x16, #:lo12:sqlite3_api]\n"                                        \
                     "ldr x16, [x16, #%c0]\n"                                                      \
                     "br x16\n.popsection"                                                         \
                     :                                                                             \
                     : "i"(&(sqlite3_##name)));

#endif
