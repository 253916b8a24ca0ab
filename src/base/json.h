/* A value of jansson's, for headers that pass its address alone: who looks into one includes
 * jansson.h. */
#ifndef HAK_BASE_JSON_H
#define HAK_BASE_JSON_H

typedef struct json_t json_t;

#endif
