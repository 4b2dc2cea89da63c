/* Who may start and who may stop, over hand-made slots. */
#include "tests/lib/test.h"

#include "runtime/supervisor/depends.h"

TEST(a_condition_is_met_pending_or_impossible)
{
	static const struct {
		enum sup_condition c;
		enum sup_state state;
		uint32_t health;
		int exit_status;
		enum depends_answer want;
	} rows[] = {
		{ SUP_DEP_STARTED, SUP_CREATED, 0, 0, DEPENDS_PENDING },
		{ SUP_DEP_STARTED, SUP_STARTING, 0, 0, DEPENDS_PENDING },
		{ SUP_DEP_STARTED, SUP_RUNNING, 1, 0, DEPENDS_MET },
		{ SUP_DEP_STARTED, SUP_UNHEALTHY, 1, 0, DEPENDS_MET },
		{ SUP_DEP_STARTED, SUP_RESTARTING, 0, 256, DEPENDS_PENDING },
		{ SUP_DEP_STARTED, SUP_EXITED, 0, 0, DEPENDS_MET },
		{ SUP_DEP_STARTED, SUP_EXITED, 0, 256, DEPENDS_IMPOSSIBLE },
		{ SUP_DEP_HEALTHY, SUP_RUNNING, 0, 0, DEPENDS_MET },
		{ SUP_DEP_HEALTHY, SUP_RUNNING, 1, 0, DEPENDS_PENDING },
		{ SUP_DEP_HEALTHY, SUP_HEALTHY, 1, 0, DEPENDS_MET },
		{ SUP_DEP_HEALTHY, SUP_UNHEALTHY, 1, 0, DEPENDS_PENDING },
		{ SUP_DEP_HEALTHY, SUP_EXITED, 1, 0, DEPENDS_IMPOSSIBLE },
		{ SUP_DEP_HEALTHY, SUP_STOPPING, 1, 0, DEPENDS_PENDING },
		{ SUP_DEP_COMPLETED, SUP_RUNNING, 0, 0, DEPENDS_PENDING },
		{ SUP_DEP_COMPLETED, SUP_EXITED, 0, 0, DEPENDS_MET },
		{ SUP_DEP_COMPLETED, SUP_EXITED, 0, 9, DEPENDS_IMPOSSIBLE },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct service s = {
			.spec.health = rows[i].health,
			.st.state = rows[i].state,
			.st.exit_status = rows[i].exit_status,
			.st.wanted = 1,
			.st.ended = rows[i].state == SUP_EXITED,
		};

		printf("# row %zu\n", i);
		CHECK_INT(depends_check(rows[i].c, &s), rows[i].want);
		s.stop_pending = true;
		CHECK_INT(depends_check(rows[i].c, &s), DEPENDS_PENDING);
	}
}

TEST(a_dependency_stopped_by_hand_is_only_waited_for)
{
	struct service s = { .st.state = SUP_EXITED,
			     .st.ended = 1,
			     .st.exit_status = 15 };

	CHECK_INT(depends_check(SUP_DEP_STARTED, &s), DEPENDS_PENDING);
}

TEST(readers_not_yet_refreshed_hold_back_dependants)
{
	struct service s = { .st.state = SUP_RUNNING, .refresher = 99 };

	CHECK_INT(depends_check(SUP_DEP_STARTED, &s), DEPENDS_PENDING);
	CHECK_INT(depends_check(SUP_DEP_HEALTHY, &s), DEPENDS_PENDING);
	CHECK(!depends_is_ready(&s));
}

/* proxy -> web -> db, and cron -> db */
static struct supervisor *chain(void)
{
	struct supervisor *sup = mem_new(1, sizeof(*sup));

	sup->n = 4;
	for (uint32_t i = 0; i < sup->n; i++)
		sup->service[i].st.state = SUP_RUNNING;
	for (uint32_t i = 1; i < 3; i++) {
		sup->service[i].spec.n_deps = 1;
		sup->service[i].spec.deps[0].service = (uint16_t)(i - 1);
	}
	sup->service[3].spec.n_deps = 1;
	return sup;
}

TEST(the_impossible_dependency_is_named_before_the_pending_one)
{
	struct supervisor *sup = chain();
	const struct service *dep = NULL;
	struct service *s = &sup->service[2];

	s->spec.n_deps = 2;
	s->spec.deps[1] = (struct sup_dep){ 0, SUP_DEP_COMPLETED };
	CHECK_INT(depends_may_start(sup, s, &dep), DEPENDS_PENDING);
	CHECK(dep == &sup->service[0]);
	sup->service[0].st = (struct sup_status){
		.state = SUP_EXITED, .ended = 1, .wanted = 1, .exit_status = 256
	};
	sup->service[1].st.state = SUP_STARTING;
	CHECK_INT(depends_may_start(sup, s, &dep), DEPENDS_IMPOSSIBLE);
	CHECK(dep == &sup->service[0]);
	free(sup);
}

TEST(only_dependants_that_are_leaving_hold_back_a_stop)
{
	struct supervisor *sup = chain();

	CHECK(depends_may_stop(sup, &sup->service[0])); /* nobody else is leaving */
	sup->service[1].stop_pending = true;
	CHECK(!depends_may_stop(sup, &sup->service[0]));
	CHECK(depends_may_stop(sup, &sup->service[1]));
	sup->service[1].stop_pending = false;
	sup->service[1].st.state = SUP_STOPPING;
	CHECK(!depends_may_stop(sup, &sup->service[0]));
	sup->service[1].st.state = SUP_EXITED;
	CHECK(depends_may_stop(sup, &sup->service[0]));
	sup->service[3].stop_pending = true;
	CHECK(!depends_may_stop(sup, &sup->service[0]));
	sup->service[3].st.state = SUP_WAITING; /* has no process to wait for */
	CHECK(depends_may_stop(sup, &sup->service[0]));
	free(sup);
}
