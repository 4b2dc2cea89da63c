/*
 * images/parse/magic.h - the form of a file, by its first bytes.
 *
 * So little that minibox itself does it as well, to know whether a parser is needed.
 */
#ifndef PARSE_MAGIC_H
#define PARSE_MAGIC_H

#include <stdbool.h>
#include <stddef.h>

enum magic_form { MAGIC_PLAIN, MAGIC_GZIP, MAGIC_ZSTD, MAGIC_BZIP2, MAGIC_XZ };
enum { MAGIC_SIZE = 10 }; /* bytes that tell the form */

/** magic_form() - judge the first @n bytes of a file */
enum magic_form magic_form(const void *data, size_t n);

enum { MAGIC_TAR_SIZE = 512 };
/** magic_is_tar() - is this the header of a tar entry? By its checksum, which all of
 * tar's formats have (POSIX pax, ustar interchange format); a block of zeros is none. */
bool magic_is_tar(const unsigned char block[MAGIC_TAR_SIZE]);

#endif
