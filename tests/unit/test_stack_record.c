/* tests for runtime/stack/record.c: what is written is read back, and compiled for the
 * supervisor. */
#include "runtime/stack/record.h"

#include "tests/lib/test.h"

#include <arpa/inet.h>

static struct record *sample(void)
{
	struct record *r = record_new("shop", "/srv/shop");
	struct record_service *s;
	struct err e = ERR_INIT;

	r->uid_base = 1946157056u;
	strcpy(r->bridge, "mb-12345678");
	CHECK_OK(netns_subnet_parse("10.213.4.0/24", &r->subnet, &e), &e);
	strv_add(&r->files, "/srv/shop/stack.conf");
	for (int i = 0; i < 3; i++) {
		static const char *const names[] = { "db", "db-run-1", "web" };

		s = record_add(r, names[i]);
		s->base = str_dup(names[i]);
		s->image = str_dup("x.tar");
		s->image_id = str_dup("sha256:aa");
		s->instance = 3;
		s->host = record_free_host(r);
		s->oneoff = i == 1;
		s->config = json_pack("{s:s}", "image", "x.tar");
	}
	s->userns = true;
	s->sup.restart = SUP_ALWAYS;
	s->sup.health = SUP_HEALTH_HTTP;
	strcpy(s->sup.health_path, "/healthz");
	s->sup.health_start_interval_ms = 250;
	strv_add(&s->dep_names, "db=1");
	strv_add(&s->dep_names, "gone=0");
	strv_add(&s->anonymous, "/data=.anon-web-0a1b2c3d");
	s->publish = mem_new(1, sizeof(*s->publish));
	s->publish[0] = (struct netns_publish){
		NETNS_UDP, { htonl(0x7f000001) }, 8000, { htonl(0x0ad50403) }, 80
	};
	s->n_publish = 1;
	r->shares = mem_new(1, sizeof(*r->shares));
	r->shares[r->n_shares++] = (struct record_share){ .volume = str_dup("static"),
							  .service = str_dup("web"),
							  .path = str_dup("/srv"),
							  .keep = 3 };
	return r;
}

TEST(record_is_read_back_as_it_was_written)
{
	AUTO_CLOSE int dir = scratch_dir();
	struct record *a = sample(), *b = NULL;
	struct record_service *web;
	struct err e = ERR_INIT;

	CHECK_INT(record_load(dir, &b, &e), STACK_E_ABSENT);
	CHECK_OK(record_save(dir, a, &e), &e);
	CHECK_OK(record_load(dir, &b, &e), &e);
	CHECK_STR(b->name, "shop");
	CHECK_STR(b->bridge, "mb-12345678");
	CHECK_INT(b->uid_base, a->uid_base);
	CHECK_INT(b->subnet.addr.s_addr, a->subnet.addr.s_addr);
	CHECK_INT(b->n_services, 3);
	web = record_service(b, "web");
	CHECK(web && web->userns && !web->oneoff);
	CHECK_INT(web->host, 4);
	CHECK_INT(web->instance, 3);
	CHECK_INT(web->publish[0].host_port, 8000);
	CHECK_INT(web->publish[0].proto, NETNS_UDP);
	CHECK_INT(web->publish[0].addr.s_addr, htonl(0x0ad50403));
	CHECK_STR(web->sup.health_path, "/healthz");
	CHECK_INT(web->sup.health_start_interval_ms, 250);
	CHECK_INT(web->sup.restart, SUP_ALWAYS);
	CHECK_STR(web->anonymous.v[0], "/data=.anon-web-0a1b2c3d");
	CHECK(json_equal(web->config, record_service(a, "web")->config));
	CHECK_STR(b->shares[0].path, "/srv");
	CHECK_INT(b->shares[0].keep, 3);
	record_free(a);
	record_free(b);
}

TEST(record_gives_out_the_lowest_free_host_number)
{
	struct record *r = sample();

	CHECK_INT(record_free_host(r), 5);
	record_remove(r, "db-run-1");
	CHECK_INT(record_free_host(r), 3);
	record_free(r);
}

TEST(record_compiles_without_one_off_containers_and_unknown_dependencies)
{
	struct stack_host h = { .root = (char *)"/r",
				.run = (char *)"/u",
				.exe_dir = "/b" };
	AUTO_CLOSE int dir = scratch_dir();
	AUTO_BUF struct buf b = BUF_INIT;
	struct record *r = sample();
	const struct sup_header *head;
	const struct sup_service *s;
	struct err e = ERR_INIT;

	CHECK_OK(record_compile(&h, r, dir, &e), &e);
	CHECK_OK(fd_read_file(dir, ".spec", 1 << 20, &b, &e), &e);
	head = (const void *)b.data;
	s = (const void *)(b.data + sizeof(*head));
	CHECK_INT(head->n_services, 2);
	CHECK_STR(head->minibox, "/b/minibox");
	CHECK_STR(s[1].name, "web");
	CHECK_INT(s[1].n_deps, 1);
	CHECK_INT(s[1].deps[0].service, 0);
	CHECK_INT(s[1].deps[0].condition, SUP_DEP_HEALTHY);
	CHECK_INT(s[1].address, htonl(0x0ad50404));
	record_free(r);
}
