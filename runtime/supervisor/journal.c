/* supervisor/journal.c - see journal.h. */
#include "runtime/supervisor/journal.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/base/proc.h"
#include "runtime/supervisor/note.h"
#include "runtime/supervisor/text.h"

enum { RING_BYTES = SUP_ENTRIES * sizeof(struct sup_entry) };

static int open_ring(const struct supervisor *sup)
{
	return openat(sup->logs, ".events", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
		      0600);
}

/* Number of the entry in @slot; 0: none that is whole. */
static uint64_t seq_at(int fd, uint64_t slot)
{
	struct sup_entry n;

	if (pread(fd, &n, sizeof(n), (off_t)(slot * sizeof(n))) != sizeof(n))
		return 0;
	return n.seq == n.seq_end ? n.seq : 0;
}

/* Slots of one turn hold rising numbers, and what follows the newest is from the turn
 * before: where that changes is found by halving. */
void journal_begin(struct supervisor *sup)
{
	AUTO_CLOSE int fd = open_ring(sup);
	uint64_t first, low = 0, high = SUP_ENTRIES;

	sup->entries = 0;
	if (fd < 0)
		return;
	(void)!fallocate(fd, 0, 0, RING_BYTES);
	first = seq_at(fd, 0);
	while (high - low > 1) {
		uint64_t middle = (low + high) / 2;
		uint64_t seq = seq_at(fd, middle);

		if (seq == first + middle && seq > 0)
			low = middle;
		else
			high = middle;
	}
	/* slot 0 is empty before the first turn is over: entries count from 1 */
	sup->entries = first + low;
}

void journal_add(struct supervisor *sup, const struct service *s,
		 enum sup_entry_kind kind, int value, uint32_t count, const char *text)
{
	AUTO_CLOSE int fd = open_ring(sup);
	struct sup_entry n = {
		.seq = ++sup->entries,
		.wall_ns = proc_wall_ns(),
		.kind = kind,
		.pid = s ? s->st.pid : getpid(),
		.value = value,
		.count = count,
		.seq_end = sup->entries,
	};
	struct text t = text_over(n.text, sizeof(n.text));

	/* what it has said already stands after its start in the order of time */
	if (kind == SUP_ENTRY_START)
		n.wall_ns -= proc_now_ns() - s->begun_ns;
	if (s)
		memcpy(n.service, s->spec.name, sizeof(n.service));
	if (text)
		text_str(&t, text);
	if (fd < 0 || pwrite(fd, &n, sizeof(n),
			     (off_t)(n.seq % SUP_ENTRIES * sizeof(n))) != sizeof(n))
		note(sup, s ? s->spec.name : NULL, "cannot write an event; its kind",
		     kind);
}
