/* A day of a service in a moment: the pure decisions (states, restart, probe) over 24
 * hours of a simulated clock, with processes and probes that behave by a script. */
#include "tests/lib/test.h"

#include "runtime/supervisor/probe.h"
#include "runtime/supervisor/restart.h"
#include "runtime/supervisor/states.h"

#define MINUTE UINT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
enum { LAUNCH_MS = 20, STOP_MS = 300, PROBE_MS = 5, FOREVER = 0 };

/* Times are in ms: of the day where they are called now or at, of the run elsewhere. */
struct day {
	struct sup_service spec;
	/* How long its @run-th process lives (FOREVER), and with which status it ends. */
	uint64_t (*lives)(uint64_t run, bool *failed);
	/* Does a probe pass, @age after the start? NULL: it has no healthcheck. */
	bool (*passes)(uint64_t now, uint64_t age);

	uint64_t now, begun_at, ended_at, end_at, due_at, probe_at, count_ns;
	enum sup_state state;
	uint32_t failures, restarts, streak;
	unsigned processes, starts, sick, healthy, probes, in_a_row;
	bool end_failed, stopping_sick, probing, unwanted;
	uint64_t least_gap, most_gap, first_healthy_age, first_sick_age;
};

static void fire(struct day *d, enum state_event ev);

static struct restart_case case_of(const struct day *d, bool failed)
{
	return (struct restart_case){ .policy = d->spec.restart,
				      .max = d->spec.restart_max,
				      .restarts = d->restarts,
				      .streak = d->streak,
				      .uptime_ms = d->now - d->begun_at,
				      .failed = failed,
				      .wanted = !d->unwanted };
}

static void end(struct day *d, bool failed)
{
	struct restart_case c = case_of(d, failed);
	struct restart_verdict v = restart_next(&c);

	d->ended_at = d->now;
	d->in_a_row = c.uptime_ms < RESTART_CALM_MS ? d->in_a_row + 1 : 1;
	if (!v.again)
		return;
	d->state = SUP_RESTARTING;
	d->restarts++;
	d->streak = v.streak;
	d->due_at = d->now + v.delay_ms;
}

/* What a start must never be, whatever led to it. */
static void launch(struct day *d)
{
	uint64_t gap = d->now - d->ended_at, least = RESTART_FIRST_MS;

	CHECK_INT(d->processes, 0);
	CHECK(!d->unwanted);
	d->processes = 1;
	d->begun_at = d->now;
	d->due_at = d->now + LAUNCH_MS;
	if (d->starts++ == 0)
		return;
	for (unsigned i = 1; i < d->in_a_row && least < RESTART_MOST_MS; i++)
		least *= 2;
	if (least > RESTART_MOST_MS)
		least = RESTART_MOST_MS;
	CHECK_INT(gap, least);
	CHECK(d->spec.restart != SUP_NO);
	if (d->spec.restart == SUP_ON_FAILURE && d->spec.restart_max)
		CHECK(d->starts <= d->spec.restart_max + 1);
	d->least_gap = d->least_gap && d->least_gap < gap ? d->least_gap : gap;
	d->most_gap = d->most_gap > gap ? d->most_gap : gap;
}

static void schedule(struct day *d)
{
	if (d->passes)
		d->probe_at = d->now + probe_delay_ms(&d->spec, d->state == SUP_RUNNING,
						      d->now - d->begun_at);
}

static void begin(struct day *d)
{
	uint64_t lives = d->lives(d->starts, &d->end_failed);

	d->begun_at = d->now;
	d->failures = 0;
	d->due_at = 0;
	d->end_at = lives == FOREVER ? 0 : d->now + lives;
	d->count_ns = probe_counts_from(&d->spec, d->begun_at * 1000000);
	schedule(d);
}

static void sick(struct day *d)
{
	struct restart_case c = case_of(d, true);

	if (!d->sick++)
		d->first_sick_age = d->now - d->begun_at;
	if (!restart_allowed(&c))
		return;
	d->stopping_sick = true;
	fire(d, EV_STOP);
}

static void act(struct day *d, enum state_act a)
{
	switch (a) {
	case ACT_LAUNCH:
		launch(d);
		break;
	case ACT_BEGIN:
		begin(d);
		break;
	case ACT_READY:
		if (!d->healthy++)
			d->first_healthy_age = d->now - d->begun_at;
		break;
	case ACT_SICK:
		sick(d);
		break;
	case ACT_SIGNAL:
		d->end_at = d->now + STOP_MS;
		break;
	case ACT_END:
		end(d, d->end_failed);
		break;
	case ACT_STOPPED:
		if (d->stopping_sick)
			end(d, true);
		d->stopping_sick = false;
		break;
	case ACT_WANT:
	case ACT_MARK:
	case ACT_UNWANT:
		break;
	default:
		test_fail(__FILE__, __LINE__, "act %d in state %d", a, d->state);
	}
}

static void fire(struct day *d, enum state_event ev)
{
	struct transition t = state_next(d->state, ev);

	d->state = t.next;
	if (t.act != ACT_NONE)
		act(d, t.act);
	if (!d->processes)
		d->probe_at = d->probing = 0;
	if (d->state == SUP_WAITING)
		fire(d, EV_GO);
}

static void process_ends(struct day *d)
{
	d->end_at = 0;
	d->processes = 0;
	fire(d, EV_ENDED);
}

static void probe(struct day *d)
{
	bool first = d->state == SUP_RUNNING;

	if (d->state == SUP_STOPPING) { /* halted */
		d->probe_at = d->probing = 0;
		return;
	}
	if (!d->probing) {
		d->probing = true;
		d->probes++;
		d->probe_at = d->now + PROBE_MS;
		return;
	}
	d->probing = false;
	if (d->passes(d->now, d->now - d->begun_at)) {
		d->failures = 0;
		fire(d, EV_PASS);
		schedule(d);
		return;
	}
	schedule(d);
	d->failures += probe_count(&d->spec, first, d->now * 1000000, &d->count_ns);
	if (probe_is_sick(&d->spec, d->failures) && d->state != SUP_UNHEALTHY)
		fire(d, EV_SICK);
}

static uint64_t next_at(const struct day *d, uint64_t until)
{
	const uint64_t at[] = { d->end_at, d->due_at, d->probe_at };
	uint64_t next = until;

	for (size_t i = 0; i < ARRAY_LEN(at); i++)
		if (at[i] && at[i] < next)
			next = at[i];
	return next;
}

static void run_until(struct day *d, uint64_t until)
{
	while ((d->now = next_at(d, until)) < until) {
		if (d->end_at == d->now) {
			process_ends(d);
		} else if (d->due_at == d->now) {
			d->due_at = 0;
			fire(d, d->state == SUP_STARTING ? EV_LAUNCHED : EV_DUE);
		} else {
			probe(d);
		}
	}
}

static void start(struct day *d)
{
	d->now = d->ended_at = 1;
	if (!d->spec.health_interval_ms)
		d->spec.health_interval_ms = 30000;
	d->spec.health_retries = 3;
	fire(d, EV_WANT);
}

static uint64_t a_moment(uint64_t run, bool *failed)
{
	(void)run;
	*failed = true;
	return 50;
}

static uint64_t a_moment_and_well(uint64_t run, bool *failed)
{
	(void)run;
	*failed = false;
	return 50;
}

static uint64_t for_ever(uint64_t run, bool *failed)
{
	(void)run;
	*failed = true;
	return FOREVER;
}

TEST(a_crash_loop_costs_a_start_a_minute_and_no_more)
{
	struct day d = { .lives = a_moment, .spec.restart = SUP_ALWAYS };

	start(&d);
	run_until(&d, DAY);
	/* Ten delays of less than a minute, 102.3 s together, then one a minute. */
	CHECK(d.starts >= 1430 && d.starts <= 1450);
	CHECK_INT(d.most_gap, 60000);
	CHECK_INT(d.least_gap, 100);
}

TEST(policies_hold_all_day)
{
	static const struct {
		enum sup_restart policy;
		uint32_t max;
		uint64_t (*lives)(uint64_t run, bool *failed);
		unsigned least, most;
	} rows[] = {
		{ SUP_NO, 0, a_moment, 1, 1 },
		{ SUP_NO, 0, a_moment_and_well, 1, 1 },
		{ SUP_ON_FAILURE, 0, a_moment_and_well, 1, 1 },
		{ SUP_ON_FAILURE, 5, a_moment, 6, 6 },
		{ SUP_ON_FAILURE, 0, a_moment, 1430, 1450 },
		{ SUP_UNLESS_STOPPED, 0, a_moment_and_well, 1430, 1450 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct day d = { .lives = rows[i].lives,
				 .spec.restart = rows[i].policy,
				 .spec.restart_max = rows[i].max };

		printf("# row %zu\n", i);
		start(&d);
		run_until(&d, DAY);
		CHECK(d.starts >= rows[i].least && d.starts <= rows[i].most);
	}
}

TEST(what_somebody_stopped_stays_stopped)
{
	static const enum sup_restart policies[] = { SUP_ALWAYS, SUP_UNLESS_STOPPED,
						     SUP_ON_FAILURE };

	for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
		struct day d = { .lives = a_moment, .spec.restart = policies[i] };
		unsigned starts;

		start(&d);
		run_until(&d, HOUR + i * 20001); /* running, or waiting for its turn */
		starts = d.starts;
		d.unwanted = true;
		fire(&d, EV_STOP);
		d.due_at = d.state == SUP_EXITED ? 0 : d.due_at;
		run_until(&d, DAY);
		CHECK_INT(d.state, SUP_EXITED);
		CHECK_INT(d.starts, starts);
	}
}

/* Twenty crashes, an hour of calm, and again. launch() holds each gap against the crashes
 * in a row. */
static uint64_t storms(uint64_t run, bool *failed)
{
	*failed = true;
	return run % 21 ? 50 : HOUR;
}

TEST(an_hour_of_calm_forgets_the_storm_before_it)
{
	struct day d = { .lives = storms, .spec.restart = SUP_ON_FAILURE };

	start(&d);
	run_until(&d, DAY);
	/* a storm is 102.3 s and ten minutes, and then there is the hour */
	CHECK(d.starts > 19 * 21 && d.starts < 21 * 21);
	CHECK_INT(d.most_gap, 60000);
	CHECK_INT(d.least_gap, 100);
}

static bool after_50_seconds(uint64_t now, uint64_t age)
{
	(void)now;
	return age >= 50000;
}

TEST(a_slow_start_within_its_period_is_no_sickness)
{
	struct day d = { .lives = for_ever,
			 .passes = after_50_seconds,
			 .spec.restart = SUP_ALWAYS,
			 .spec.health = SUP_HEALTH_TCP,
			 .spec.health_start_ms = 60000 };

	start(&d);
	run_until(&d, DAY);
	CHECK_INT(d.starts, 1);
	CHECK_INT(d.sick, 0);
	CHECK(d.first_healthy_age < 50000 + 600);
	CHECK(d.probes < DAY / 30000 + 200);
	/* Asked to look less often it sees it later, and asks for less. */
	d = (struct day){ .lives = for_ever,
			  .passes = after_50_seconds,
			  .spec = { .restart = SUP_ALWAYS,
				    .health = SUP_HEALTH_TCP,
				    .health_start_ms = 60000,
				    .health_start_interval_ms = 7000 } };
	start(&d);
	run_until(&d, MINUTE);
	CHECK_INT(d.probes, 8);
	CHECK(d.first_healthy_age > 56000 && d.first_healthy_age < 57000);
}

TEST(a_start_that_is_too_slow_is_restarted_in_its_own_time)
{
	struct day d = { .lives = for_ever,
			 .passes = after_50_seconds,
			 .spec.restart = SUP_ALWAYS,
			 .spec.health = SUP_HEALTH_TCP,
			 .spec.health_interval_ms = 5000,
			 .spec.health_start_ms = 10000 };

	start(&d);
	run_until(&d, DAY);
	/* The third failure that counts: 10 s of grace and three intervals. */
	CHECK(d.first_sick_age >= 25000 && d.first_sick_age < 25000 + 3 * 600);
	CHECK_INT(d.healthy, 0);
	CHECK(d.starts > 3000 && d.starts <= DAY / 25000);
	CHECK_INT(d.sick, d.restarts);
}

static bool every_third(uint64_t now, uint64_t age)
{
	(void)age;
	return now / 30000 % 3 == 0;
}

static bool not_at_noon(uint64_t now, uint64_t age)
{
	(void)age;
	return now / HOUR != 12;
}

TEST(flapping_health_is_no_sickness_and_an_hour_of_it_is)
{
	struct day d = { .lives = for_ever,
			 .passes = every_third,
			 .spec.restart = SUP_ALWAYS,
			 .spec.health = SUP_HEALTH_TCP };

	start(&d);
	run_until(&d, DAY);
	CHECK_INT(d.starts, 1);
	CHECK_INT(d.sick, 0);
	d = (struct day){ .lives = for_ever,
			  .passes = not_at_noon,
			  .spec.restart = SUP_ALWAYS,
			  .spec.health = SUP_HEALTH_TCP };
	start(&d);
	run_until(&d, DAY);
	/* three intervals each, and the first of a process an interval of grace more */
	CHECK(d.restarts >= 35 && d.restarts <= 41);
	CHECK_INT(d.state, SUP_HEALTHY);
}

TEST(sickness_without_a_restart_ends_nothing)
{
	static const struct {
		enum sup_restart policy;
		uint32_t max;
		unsigned starts;
	} rows[] = { { SUP_NO, 0, 1 }, { SUP_ON_FAILURE, 2, 3 } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct day d = { .lives = for_ever,
				 .passes = not_at_noon,
				 .spec.restart = rows[i].policy,
				 .spec.restart_max = rows[i].max,
				 .spec.health = SUP_HEALTH_TCP };

		start(&d);
		run_until(&d, 13 * HOUR);
		CHECK_INT(d.starts, rows[i].starts);
		CHECK_INT(d.state, SUP_UNHEALTHY);
		run_until(&d, DAY);
		CHECK_INT(d.starts, rows[i].starts);
		CHECK_INT(d.state, SUP_HEALTHY);
	}
}
