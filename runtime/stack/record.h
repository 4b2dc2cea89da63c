/*
 * stack/record.h - what exists of a stack, as RUN/STACK/.stack.json tells it. Plain data.
 *
 * Written by rename after each change of what exists. RUN/STACK/SERVICE/ holds per
 * container: spec.json   container spec, health command (launch.c) userns
 * netns  pins; root/ the merged overlay; stdout stderr  log FIFOs hosts hostname
 * resolv.conf  bound into the container; status exit  supervisor's and init's
 * RUN/STACK/.cgroup is the group that the stack's groups are below, where that is not
 * the root (place.h). RUN/STACK/.share/VOLUME is the directory that readers of a `from`
 * volume see now. Below .generations/VOLUME/ is what a volume with `keep` shows there
 * (generation.c).
 */
#ifndef STACK_RECORD_H
#define STACK_RECORD_H

#include "netns/netns.h"
#include "runtime/base/json.h"
#include "runtime/stack/stack.h"

struct record_service {
	char *name;
	char *base; /* service of the file it came from (differs for one-off containers)
		     */
	char *image, *image_id;
	uint32_t instance; /* 1, 2, … each time it is made anew */
	uint32_t host;     /* number of its address in the subnet */
	bool userns, oneoff, has_health;
	json_t *config; /* the service of the model, for comparing; owned */
	struct strv aliases,
		hosts;         /* further names; lines "ADDRESS NAME" of extra_hosts */
	struct strv anonymous; /* anonymous volumes: "target=directory name" */
	struct netns_publish *publish;
	size_t n_publish;
	struct sup_service
		sup; /* compiled for the supervisor; deps and name filled at write */
	struct strv dep_names; /* with the condition's number: "db=1", or "db=?" */
};

struct record_share {
	char *volume, *service, *path; /* volume VOLUME { from SERVICE:PATH } */
	uint32_t keep;                 /* generations shown; 1: the present one alone */
	bool fresh;                    /* not as the last `up` had it; not stored */
};

struct record_lease {
	char *service;
	uid_t base; /* first id of the range that is this service's alone */
};

struct record_host { /* an address stays with its service while another is made */
	char *service;
	uint32_t host;
};

struct record {
	char *name, *dir;
	struct strv files;
	uid_t uid_base; /* of all services without a lease */
	struct record_lease *leases;
	size_t n_leases;
	struct netns_subnet subnet;
	char bridge[16];
	struct record_service *services;
	size_t n_services;
	struct record_share *shares;
	size_t n_shares;
	json_t *budget; /* as model_budget_json(), as it was last applied; NULL: never */
	struct record_host *hosts;
	size_t n_hosts;
	struct strv hidden; /* values that no message may show; see stack_model */
	bool whole;         /* the last `up` that changed something came to its end */
	bool proven;        /* and since then all of it was up at once */
	bool rolled_back;   /* the last one was a rollback, to what before says */
	/* Numbers of the models to go back to (before.h), 0: none; next_before takes the
	 * place of before when a rollback is proven. */
	uint32_t before, next_before;
};

/** record_load() - STACK_E_ABSENT when there is none; owned by the caller */
must_check int record_load(int stack_fd, struct record **ret, struct err *e);
must_check int record_save(int stack_fd, const struct record *r, struct err *e);
struct record *record_new(const char *name, const char *dir);
struct record *record_free(struct record *r);
struct record_service *record_service(const struct record *r, const char *name);
void record_shares_free(struct record_share *list, size_t n);
/** record_ids() - first host id of @service: of its own lease, else the stack's */
uid_t record_ids(const struct record *r, const char *service);
/** record_add() - append a zeroed service named @name; borrowed until the next add */
struct record_service *record_add(struct record *r, const char *name);
void record_remove(struct record *r, const char *name);
/** record_undescribe() - empty what instance_describe() and the comparison fill, of a
 * service whose container stays */
void record_undescribe(struct record_service *s);
/** record_free_host() - lowest host number from 2 on that no service has */
uint32_t record_free_host(const struct record *r);
/** record_host() - number of the address that was @service's last; 0: never had one */
uint32_t record_host(const struct record *r, const char *service);
/** record_keep_host() - nobody else gets that number until record_drop_host() */
void record_keep_host(struct record *r, const char *service, uint32_t host);
void record_drop_host(struct record *r, const char *service);
/** record_compile() - .spec for the supervisor: all services that are not one-off */
must_check int record_compile(const struct stack_host *h, const struct record *r,
			      int stack_fd, struct err *e);

#endif
