/*
 * images/parse/magic.h - the form of a file, by its first bytes.
 *
 * So little that minibox itself does it as well, to know whether a parser is needed.
 */
#ifndef PARSE_MAGIC_H
#define PARSE_MAGIC_H

#include <stddef.h>

enum magic_form { MAGIC_PLAIN, MAGIC_GZIP, MAGIC_ZSTD, MAGIC_BZIP2, MAGIC_XZ };
enum { MAGIC_SIZE = 10 }; /* bytes that tell the form */

/** magic_form() - judge the first @n bytes of a file */
enum magic_form magic_form(const void *data, size_t n);

#endif
