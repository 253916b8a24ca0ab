/* The environment, time zones, locales, users and converters keep memory inside libc. */
#include <iconv.h>
#include <ifaddrs.h>
#include <langinfo.h>
#include <locale.h>
#include <pwd.h>
#include <time.h>
#include "../corpus/shapes.h"

SHAPE(variables) {
    for (int i = 0; i < 100; i++) {
        char name[30], value[60];
        sprintf(name, "VARIABLE_%d", i % 20);
        sprintf(value, "%0*d", i % 50 + 1, i);
        setenv(name, value, 1);
    }
    unsetenv("VARIABLE_3");
    require(getenv("VARIABLE_3") == NULL && getenv("VARIABLE_4") != NULL, "one is gone");
    static char fixed[] = "FIXED=of static memory";
    putenv(fixed);
    require(strcmp(getenv("FIXED"), "of static memory") == 0, "its value");
}

SHAPE(times) {
    char text[100];
    time_t moment = 1000000000;
    for (int i = 0; i < 3; i++) {
        setenv("TZ", i == 1 ? "UTC-5" : "UTC", 1);
        tzset();
        require(strftime(text, sizeof text, "%c %Z", localtime(&moment)) > 0, "a time");
    }
    puts(text);
}

SHAPE(locales) {
    setlocale(LC_ALL, "C.UTF-8");
    locale_t locale = newlocale(LC_ALL_MASK, "C", (locale_t)0), old = uselocale(locale);
    require(nl_langinfo(CODESET) != NULL, "a code set");
    uselocale(old);
    freelocale(locale);
    setlocale(LC_ALL, "C");
}

SHAPE(converted) {
    iconv_t converter = iconv_open("UTF-16LE", "UTF-8");
    require(converter != (iconv_t)-1, "a converter");
    char from[] = "text", *input = from, *target = opaque(malloc(8)), *output = target;
    size_t left = 4, room = 8;
    require(iconv(converter, &input, &left, &output, &room) == 0 && room == 0, "wholly");
    iconv_close(converter);
    free(target);
}

SHAPE(users) {
    require(getpwuid(0) != NULL, "root");
    char *buffer = opaque(malloc(1000));
    struct passwd entry, *result;
    require(getpwnam_r("root", &entry, buffer, 1000, &result) == 0 && result == &entry,
            "root again");
    free(buffer);
    struct ifaddrs *interfaces;
    if (getifaddrs(&interfaces) == 0)
        freeifaddrs(interfaces);
}

RUN_ALL()
