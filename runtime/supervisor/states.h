/*
 * supervisor/states.h - the life of a service as a table: state x event -> next state,
 * action.
 *
 * Pure. Does not know what an action does; conduct.c performs it.
 */
#ifndef SUPERVISOR_STATES_H
#define SUPERVISOR_STATES_H

#include "runtime/supervisor/supervisor.h"

enum state_event {
	EV_WANT,          /* somebody wants it up */
	EV_GO,            /* its dependencies are there */
	EV_LAUNCHED,      /* the launcher reports a process */
	EV_LAUNCH_FAILED, /* the launcher reports, or shows, a failure */
	EV_PASS,          /* a probe passed */
	EV_SICK,          /* as many probes in a row failed as the healthcheck allows */
	EV_ENDED,         /* the process ended */
	EV_STOP,          /* it is to be stopped now */
	EV_DUE,           /* its timer ran out */
	EV_PAUSE,
	EV_UNPAUSE,
	N_EVENTS
};

enum state_act {
	ACT_NONE,   /* the event means nothing in this state */
	ACT_WANT,   /* wait for the dependencies */
	ACT_AGAIN,  /* start again once it has stopped */
	ACT_LAUNCH, /* run the launcher */
	ACT_BEGIN,  /* it runs */
	ACT_LATE,   /* it runs, though a stop was asked meanwhile */
	ACT_READY,  /* its first probe passed */
	ACT_MARK,   /* nothing but the new state */
	ACT_SICK,   /* restart it if the policy says so */
	ACT_END, /* ended by itself: the policy decides between EXITED and RESTARTING */
	ACT_STOPPED, /* ended as asked */
	ACT_SIGNAL,  /* send the stop signal */
	ACT_HOLD,    /* nothing to signal yet: the launcher has not reported */
	ACT_HURRY,   /* asked again to stop: the shorter grace holds */
	ACT_UNWANT,  /* has no process: settled at once */
	ACT_KILL,    /* grace is over */
	ACT_ABORT,   /* the launcher takes too long */
	ACT_RESUME,  /* back to what it was before the pause */
	N_ACTS
};

struct transition {
	uint8_t next; /* enum sup_state; the action may choose another */
	uint8_t act;  /* enum state_act */
};

/** state_next() - the table; an event without a meaning gives the same state and ACT_NONE
 */
struct transition state_next(enum sup_state s, enum state_event ev);

#endif
