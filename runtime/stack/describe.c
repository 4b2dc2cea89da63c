/*
 * stack/describe.c - what the file says and what the image says become one description.
 *
 * Pure: no kernel object is touched. The file's word wins, then the image's, then the
 * default.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "runtime/stack/instance.h"

enum {
	HEALTH_INTERVAL_MS = 30000,
	HEALTH_TIMEOUT_MS = 30000,
	HEALTH_RETRIES = 3,
};

static uint32_t restart_policy(enum model_restart r)
{
	static const uint32_t map[] = { [MODEL_NO] = SUP_NO,
					[MODEL_ALWAYS] = SUP_ALWAYS,
					[MODEL_UNLESS_STOPPED] = SUP_UNLESS_STOPPED,
					[MODEL_ON_FAILURE] = SUP_ON_FAILURE };

	return map[r];
}

static uint32_t health_kind(const struct instance_source *src)
{
	static const uint32_t map[] = {
		[MODEL_HEALTH_NONE] = SUP_HEALTH_NONE,
		[MODEL_HEALTH_EXEC] = SUP_HEALTH_EXEC,
		[MODEL_HEALTH_TCP] = SUP_HEALTH_TCP,
		[MODEL_HEALTH_HTTP] = SUP_HEALTH_HTTP,
		[MODEL_HEALTH_POSTGRES] = SUP_HEALTH_POSTGRES,
		[MODEL_HEALTH_REDIS] = SUP_HEALTH_REDIS,
		[MODEL_HEALTH_UNIX] = SUP_HEALTH_UNIX,
	};
	const struct image_health *img = &src->img->health;

	if (src->svc->health.type != MODEL_HEALTH_IMAGE)
		return map[src->svc->health.type];
	if (img->test.n < 2 || str_eq(img->test.v[0], "NONE"))
		return SUP_HEALTH_NONE;
	return SUP_HEALTH_EXEC;
}

static void describe_health(const struct instance_source *src, struct sup_service *sup)
{
	const struct model_health *mh = &src->svc->health;
	const struct image_health *ih = &src->img->health;

	sup->health = health_kind(src);
	if (mh->type == MODEL_HEALTH_IMAGE && mh->pos.line == 0) {
		sup->health_interval_ms =
			ih->interval_ms ? (uint32_t)ih->interval_ms : HEALTH_INTERVAL_MS;
		sup->health_timeout_ms =
			ih->timeout_ms ? (uint32_t)ih->timeout_ms : HEALTH_TIMEOUT_MS;
		sup->health_start_ms = (uint32_t)ih->start_period_ms;
		sup->health_start_interval_ms = (uint32_t)ih->start_interval_ms;
		sup->health_retries = ih->retries ? ih->retries : HEALTH_RETRIES;
		return;
	}
	sup->health_port = mh->port;
	sup->health_interval_ms = mh->interval_ms;
	sup->health_timeout_ms = mh->timeout_ms;
	sup->health_start_ms = mh->start_period_ms;
	sup->health_start_interval_ms = mh->start_interval_ms;
	sup->health_retries = mh->retries;
	if (mh->path)
		snprintf(sup->health_path, sizeof(sup->health_path), "%s", mh->path);
}

static int describe_supervision(const struct instance_source *src,
				struct record_service *rs, struct err *e)
{
	const char *sig =
		src->svc->stop_signal ? src->svc->stop_signal : src->img->stop_signal;
	struct sup_service *sup = &rs->sup;

	memset(sup, 0, sizeof(*sup));
	sup->restart = restart_policy(src->svc->restart);
	sup->restart_max = src->svc->restart_max;
	sup->stop_signal = sig && *sig ? (uint32_t)model_signal_number(sig) : SIGTERM;
	if (!sup->stop_signal)
		return err_msg(e, EINVAL, "service '%s': unknown stop signal '%s'",
			       rs->name, sig);
	sup->stop_grace_ms = src->svc->stop_grace_ms;
	sup->log_segment_bytes = (uint32_t)src->svc->logging.max_size;
	sup->log_segments = src->svc->logging.max_files;
	describe_health(src, sup);
	rs->has_health = sup->health != SUP_HEALTH_NONE;
	for (size_t i = 0; i < src->model->n_volumes; i++)
		if (str_eq(src->model->volumes[i].from_service, rs->name))
			sup->has_readers = 1;
	if (src->svc->n_deps > SUP_DEPS)
		return err_msg(e, EINVAL, "service '%s' depends on more than %d services",
			       rs->name, SUP_DEPS);
	for (size_t i = 0; i < src->svc->n_deps; i++) {
		const struct model_dep *d = &src->svc->deps[i];

		/* Without a word an image's own healthcheck counts too, and only the
		 * record of the other service knows of that: left open until it is
		 * compiled. */
		if (!d->cond_written && d->cond == MODEL_STARTED)
			strv_take(&rs->dep_names, str_fmt("%s=?", d->service));
		else
			strv_take(&rs->dep_names,
				  str_fmt("%s=%d", d->service, (int)d->cond));
	}
	return 0;
}

static void describe_network(const struct instance_source *src, struct record_service *rs)
{
	struct in_addr addr = { 0 };

	(void)netns_subnet_host(&src->rec->subnet, rs->host, &addr);
	rs->publish = mem_new(src->svc->n_ports, sizeof(*rs->publish));
	for (size_t i = 0; i < src->svc->n_ports; i++) {
		const struct model_port *p = &src->svc->ports[i];

		rs->publish[rs->n_publish++] = (struct netns_publish){
			.proto = p->udp ? NETNS_UDP : NETNS_TCP,
			.host_addr = p->host_addr,
			.host_port = p->host_port,
			.addr = addr,
			.port = p->port,
		};
	}
	strv_copy(&rs->aliases, &src->svc->aliases);
	strv_copy(&rs->hosts, &src->svc->extra_hosts);
}

int instance_describe(const struct instance_source *src, struct record_service *rs,
		      struct err *e)
{
	str_set(&rs->image, src->svc->image);
	str_set(&rs->image_id, src->img->id);
	if (!rs->base)
		rs->base = str_dup(src->svc->name);
	if (!src->svc->command.n && !src->svc->entrypoint.n && !src->img->entrypoint.n &&
	    !src->img->cmd.n && !(src->over && src->over->args.n))
		return err_msg(
			e, EINVAL,
			"service '%s': neither the file nor image '%s' gives a command",
			rs->name, src->svc->image);
	describe_network(src, rs);
	return describe_supervision(src, rs, e);
}
