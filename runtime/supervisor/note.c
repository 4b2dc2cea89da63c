/* supervisor/note.c - see note.h. */
#include "runtime/supervisor/note.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/base/proc.h"
#include "runtime/supervisor/text.h"

enum { NOTES_MAX_BYTES = 65536 };

void note(const struct supervisor *sup, const char *service, const char *what, uint64_t n)
{
	AUTO_CLOSE int fd =
		openat(sup->logs, "supervisor.log",
		       O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	char line[320];
	struct text t = text_over(line, sizeof(line) - 1);
	struct stat st;

	if (fd < 0)
		return;
	text_str(&t, "@");
	text_num(&t, proc_wall_ns() / 1000000000u);
	text_str(&t, " ");
	text_str(&t, service ? service : "supervisor");
	text_str(&t, ": ");
	text_str(&t, what);
	if (n) {
		text_str(&t, " (");
		text_num(&t, n);
		text_str(&t, ")");
	}
	*t.at++ = '\n';
	if (fstat(fd, &st) == 0 && st.st_size > NOTES_MAX_BYTES)
		(void)!ftruncate(fd, 0);
	(void)!write(fd, line, (size_t)(t.at - line));
}
