/* One line for the user, of either process. */
#ifndef HAK_COLLECTOR_LINK_SAY_H
#define HAK_COLLECTOR_LINK_SAY_H

/* Writes "hakmem: " and the text on stderr, foreign parts escaped. */
__attribute__((format(printf, 1, 2))) void hak_say(const char *format, ...);

#endif
