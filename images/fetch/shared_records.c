/* images/fetch/shared_records.c - see records.h. */
#include "images/fetch/records.h"

#include <string.h>

void records_add(struct buf *b, const char *key, const char *value)
{
	buf_add(b, key, strlen(key) + 1);
	buf_add(b, value, strlen(value) + 1);
}

bool records_next(const struct buf *b, size_t *at, const char **key, const char **value)
{
	size_t key_n, value_n;

	if (*at >= b->len)
		return false;
	key_n = strnlen(b->data + *at, b->len - *at);
	if (*at + key_n + 1 >= b->len)
		return false;
	value_n = strnlen(b->data + *at + key_n + 1, b->len - *at - key_n - 1);
	if (*at + key_n + value_n + 2 > b->len)
		return false;
	*key = b->data + *at;
	*value = b->data + *at + key_n + 1;
	*at += key_n + value_n + 2;
	return true;
}

const char *records_get(const struct buf *b, const char *key)
{
	const char *k, *v;
	size_t at = 0;

	while (records_next(b, &at, &k, &v))
		if (strcmp(k, key) == 0)
			return v;
	return NULL;
}

bool records_head(const struct buf *b)
{
	return records_get(b, "") != NULL;
}
