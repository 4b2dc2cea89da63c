/* supervisor/text.c - see text.h. */
#include "runtime/supervisor/text.h"

struct text text_over(char *buf, size_t n)
{
	buf[0] = '\0';
	return (struct text){ buf, buf + n - 1 };
}

void text_str(struct text *t, const char *s)
{
	while (*s && t->at < t->end)
		*t->at++ = *s++;
	*t->at = '\0';
}

void text_num(struct text *t, uint64_t v)
{
	char digits[24], *p = digits + sizeof(digits) - 1;

	*p = '\0';
	do {
		*--p = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	text_str(t, p);
}

void text_quote(struct text *t, const char *before, const char *name)
{
	text_str(t, before);
	text_str(t, "'");
	text_str(t, name);
	text_str(t, "'");
}

void text_copy(char *buf, size_t size, const char *data, size_t n)
{
	while (n > 0 && (unsigned char)data[n - 1] <= ' ')
		n--;
	while (n > 0 && (unsigned char)*data <= ' ')
		data++, n--;
	if (n > size - 1)
		n = size - 1;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)data[i];

		buf[i] = (char)(c < ' ' || c == 0x7f ? '?' : c);
	}
	buf[n] = '\0';
}

uint64_t text_to_num(const char *s, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n && s[i] >= '0' && s[i] <= '9'; i++)
		v = v * 10 + (uint64_t)(s[i] - '0');
	return v;
}
