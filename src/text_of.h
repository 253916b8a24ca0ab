/* Makes text of what a macro stands for, at compile time: HAK_TEXT_OF(PATH_MAX) is "4096". */
#ifndef HAK_TEXT_OF_H
#define HAK_TEXT_OF_H

#define HAK_TEXT_OF(tokens)       HAK_TEXT_AS_TYPED(tokens)
#define HAK_TEXT_AS_TYPED(tokens) #tokens

#endif
