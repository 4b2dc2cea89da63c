/* stack/etc.c - see etc.h. */
#include "runtime/stack/etc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "runtime/base/fd.h"

static int write_file(int dir, const char *name, const char *text, uid_t owner,
		      struct err *e)
{
	AUTO_CLOSE int fd =
		openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	size_t n = strlen(text);

	if (fd < 0 || fchmod(fd, 0644) < 0)
		return err_set(e, errno, "create '%s'", name);
	if (owner != (uid_t)-1 && fchown(fd, owner, owner) < 0)
		return err_set(e, errno, "set owner of '%s'", name);
	if (pwrite(fd, text, n, 0) != (ssize_t)n || ftruncate(fd, (off_t)n) < 0)
		return err_set(e, errno, "write '%s'", name);
	return 0;
}

static char *resolv_text(const struct instance_source *src, struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT;
	char *text = NULL;

	if (src->svc->dns.n == 0)
		return netns_resolv_conf("/etc", "/run", &text, e) < 0 ? NULL : text;
	strv_foreach (i, &src->svc->dns)
		buf_addf(&b, "nameserver %s\n", src->svc->dns.v[i]);
	return buf_take(&b);
}

int etc_write_static(const struct instance_source *src, const struct record_service *rs,
		     const char *hostname, int dir, struct err *e)
{
	uid_t owner = rs->userns ? instance_ids(src) : 0;
	AUTO_FREE char *name = str_fmt("%s\n", hostname);
	AUTO_FREE char *resolv = resolv_text(src, e);
	int r = resolv ? write_file(dir, "hostname", name, owner, e) : -e->code;

	if (r == 0)
		r = write_file(dir, "resolv.conf", resolv, owner, e);
	if (r == 0)
		r = write_file(dir, "hosts", "", owner, e);
	return r;
}

static void add_names(const struct record *rec, const struct record_service *s,
		      struct buf *b)
{
	char text[INET_ADDRSTRLEN];
	struct in_addr addr;

	if (!netns_subnet_host(&rec->subnet, s->host, &addr))
		return;
	buf_addf(b, "%s\t%s", inet_ntop(AF_INET, &addr, text, sizeof(text)), s->name);
	strv_foreach (i, &s->aliases)
		buf_addf(b, " %s", s->aliases.v[i]);
	buf_addc(b, '\n');
}

/* extra_hosts: NAME:ADDRESS, or NAME=ADDRESS; host-gateway is the bridge's address. */
static void add_extra(const struct record *rec, const char *entry, struct buf *b)
{
	size_t n = strcspn(entry, ":=");
	const char *addr = entry[n] ? entry + n + 1 : "";
	char text[INET_ADDRSTRLEN];
	struct in_addr gw;

	if (strcmp(addr, "host-gateway") == 0 && netns_subnet_host(&rec->subnet, 1, &gw))
		addr = inet_ntop(AF_INET, &gw, text, sizeof(text));
	buf_addf(b, "%s\t%.*s\n", addr, (int)n, entry);
}

static char *hosts_text(const struct record *rec, const struct record_service *self,
			const char *hostname)
{
	AUTO_BUF struct buf b = BUF_INIT;

	buf_adds(&b, "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
	add_names(rec, self, &b);
	if (hostname && strcmp(hostname, self->name) != 0) {
		b.len--; /* the container knows itself by its host name too, in the same
			    line */
		buf_addf(&b, " %s\n", hostname);
	}
	for (size_t i = 0; i < rec->n_services; i++)
		if (&rec->services[i] != self && !rec->services[i].oneoff)
			add_names(rec, &rec->services[i], &b);
	strv_foreach (i, &self->hosts)
		add_extra(rec, self->hosts.v[i], &b);
	return buf_take(&b);
}

int etc_write_hosts(const struct record *rec, int stack_fd, struct err *e)
{
	for (size_t i = 0; i < rec->n_services; i++) {
		const struct record_service *s = &rec->services[i];
		AUTO_CLOSE int dir =
			openat(stack_fd, s->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		AUTO_BUF struct buf host = BUF_INIT;
		AUTO_FREE char *text = NULL;
		int r;

		if (dir < 0)
			continue; /* being removed */
		r = fd_read_file(dir, "hostname", 256, &host, e);
		if (r < 0)
			return err_ctx(e, "service '%s'", s->name);
		if (host.len && host.data[host.len - 1] == '\n')
			host.data[--host.len] = '\0';
		text = hosts_text(rec, s, host.data);
		r = write_file(dir, "hosts", text, (uid_t)-1, e);
		if (r < 0)
			return err_ctx(e, "service '%s'", s->name);
	}
	return 0;
}
