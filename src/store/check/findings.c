/* Hands findings on as they come. */
#include "store/check/findings.h"

#include <stdarg.h>
#include <stdio.h>

void hak_check_add(struct hak_check_findings *findings, const char *format, ...) {
    char text[600];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    findings->count++;
    if (findings->each)
        findings->each(findings->context, text);
}
