/* The ring of what happened: written, killed, gone round, and read meanwhile. */
#include "tests/lib/test.h"

#include "runtime/supervisor/journal.h"

static void add(struct supervisor *sup, int value)
{
	journal_add(sup, &sup->service[0], SUP_ENTRY_EXIT, value, 0, NULL);
}

static struct supervisor *fake(int logs)
{
	struct supervisor *sup = mem_new(1, sizeof(*sup));

	sup->logs = logs;
	snprintf(sup->service[0].spec.name, SUP_NAME, "web");
	journal_begin(sup);
	return sup;
}

/* Reads to the end: how many, and that values rise by one from @first. */
static int read_on(struct sup_entry_reader *r, int first)
{
	struct sup_entry n;
	int count = 0;

	for (; sup_entry_next(r, &n) == 1; count++)
		CHECK_INT(n.value, first + count);
	return count;
}

TEST(entries_are_read_in_order_while_they_are_written)
{
	AUTO_CLOSE int logs = scratch_dir();
	struct supervisor *sup = fake(logs);
	struct sup_entry_reader *r;
	struct err e = ERR_INIT;

	CHECK_OK(sup_entry_open(logs, &r, &e), &e);
	CHECK_INT(read_on(r, 0), 0);
	add(sup, 0);
	CHECK_INT(read_on(r, 0), 1);
	for (int i = 1; i < 3000; i++) {
		add(sup, i);
		CHECK_INT(read_on(r, i), 1);
	}
	sup_entry_free(r);
	free(sup);
}

TEST(a_new_supervisor_goes_on_wherever_the_old_one_was_killed)
{
	static const int turns[] = { 0,    1,    2,    511,  1022, 1023,
				     1024, 1025, 2047, 2048, 2049, 3000 };

	for (size_t i = 0; i < ARRAY_LEN(turns); i++) {
		AUTO_CLOSE int logs = scratch_dir();
		struct supervisor *sup = fake(logs);
		struct sup_entry_reader *r;
		struct err e = ERR_INIT;
		int n = turns[i], kept = n < SUP_ENTRIES - 1 ? n : SUP_ENTRIES - 1;

		for (int k = 0; k < n; k++)
			add(sup, k);
		free(sup);
		sup = fake(logs);
		CHECK_INT(sup->entries, n);
		add(sup, n);
		CHECK_OK(sup_entry_open(logs, &r, &e), &e);
		n = read_on(r, n - (kept < SUP_ENTRIES - 1 ? kept : SUP_ENTRIES - 1));
		CHECK(n >= kept);
		sup_entry_free(r);
		free(sup);
	}
}

TEST(a_reader_that_was_overtaken_goes_on_with_the_oldest)
{
	AUTO_CLOSE int logs = scratch_dir();
	struct supervisor *sup = fake(logs);
	struct sup_entry_reader *r;
	struct err e = ERR_INIT;

	add(sup, 0);
	CHECK_OK(sup_entry_open(logs, &r, &e), &e);
	CHECK_INT(read_on(r, 0), 1);
	for (int i = 1; i <= 5000; i++)
		add(sup, i);
	CHECK_INT(read_on(r, 5000 - SUP_ENTRIES + 1), SUP_ENTRIES);
	sup_entry_free(r);
	free(sup);
}

TEST(the_ring_has_its_blocks_before_a_disk_is_full)
{
	AUTO_CLOSE int logs = scratch_dir();
	struct supervisor *sup = fake(logs);
	struct stat st;

	CHECK(fstatat(logs, ".events", &st, 0) == 0);
	CHECK_INT(st.st_size, SUP_ENTRIES * sizeof(struct sup_entry));
	CHECK(st.st_blocks * 512 >= st.st_size);
	for (int i = 0; i < 3000; i++)
		add(sup, i);
	CHECK(fstatat(logs, ".events", &st, 0) == 0);
	CHECK_INT(st.st_size, SUP_ENTRIES * sizeof(struct sup_entry));
	free(sup);
}

TEST(every_kind_has_a_name_and_words)
{
	for (uint32_t k = 1; k < SUP_ENTRY_KINDS; k++) {
		struct sup_entry n = { .kind = k, .value = 9, .count = 2 };
		AUTO_FREE char *text = sup_entry_text(&n);

		CHECK(strcmp(sup_entry_name(k), "?") != 0);
		CHECK(!str_starts(text, "event "));
	}
	CHECK_STR(sup_entry_name(SUP_ENTRY_KINDS), "?");
	CHECK_STR(sup_entry_name(0), "?");
}

TEST(ends_and_delays_in_words)
{
	struct sup_entry n = { .kind = SUP_ENTRY_EXIT, .value = 3 << 8 };
	AUTO_FREE char *code = sup_entry_text(&n), *signal = NULL, *later = NULL;

	n.value = 9;
	signal = sup_entry_text(&n);
	n = (struct sup_entry){ .kind = SUP_ENTRY_RESTART, .value = 2000, .count = 4 };
	later = sup_entry_text(&n);
	CHECK_STR(code, "exited with status 3");
	CHECK_STR(signal, "ended by signal 9 (SIGKILL)");
	CHECK_STR(later, "starts again in 2 s (restart 4)");
}
