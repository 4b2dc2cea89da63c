/* How images are named; the list; the config. */
#include "tests/lib/image_test.h"

TEST(images_are_found_by_name_id_short_id_and_manifest)
{
	struct fixture f = fixture_open();
	struct err e = ERR_INIT;
	struct image *img, *found;
	AUTO_BUF struct buf manifest = BUF_INIT;
	AUTO_FREE char *with_digest = NULL;
	char short_id[20];

	python(&f, "def note(files): open('m', 'w').write(json.loads(files['index.json'])"
		   "['manifests'][0]['digest'])\n"
		   "save('a.tar', [base().data()], name='docker.io/library/app:1', "
		   "change=note)\n");
	img = load(&f, "a.tar");
	CHECK_OK(fd_read_file(f.dir, "m", 200, &manifest, &e), &e);
	with_digest = str_fmt("app@%s", manifest.data);
	snprintf(short_id, sizeof(short_id), "%.12s", img->id + 7);
	for (const char **ref = (const char *[]){ "app:1", "docker.io/library/app:1",
						  img->id, img->id + 7, short_id,
						  manifest.data, with_digest, NULL };
	     *ref; ref++) {
		CHECK_OK(image_find(f.s, *ref, &found, &e), &e);
		CHECK_STR(found->id, img->id);
		CHECK_STR(found->names.v[0], "app:1");
		image_free(found);
	}
	for (const char **ref = (const char *[]){ "app", "", "..", "../images", "no/such",
						  "A B", "000000000000", NULL };
	     *ref; ref++)
		CHECK_INT(image_find(f.s, *ref, &found, &e), IMAGE_E_NOT_FOUND);
	image_free(img);
}

TEST(the_list_is_sorted_and_survives_a_damaged_record)
{
	struct fixture f = fixture_open();
	struct err e = ERR_INIT;
	struct image **v;
	AUTO_FREE char *record = NULL;
	size_t n;

	python(&f,
	       "save('b.tar', [base().data()], name='b'); save('c.tar', [], name=None)\n"
	       "save('a.tar', [Tar().add('a').data()], name='a')\n");
	image_free(load(&f, "b.tar"));
	image_free(load(&f, "c.tar"));
	image_free(load(&f, "a.tar"));
	CHECK_OK(image_list(f.s, &v, &n, &e), &e);
	CHECK_INT(n, 3);
	CHECK_STR(v[0]->names.v[0], "a:latest");
	CHECK_STR(v[1]->names.v[0], "b:latest");
	CHECK_INT(v[2]->names.n, 0);
	record = str_fmt("store/images/%s/record.json", v[0]->id + 7);
	CHECK_OK(fd_write_file(f.dir, record, "{", 1, 0600, &e), &e);
	CHECK_OK(image_list(f.s, &v, &n, &e), &e);
	CHECK_INT(n, 2);
}

TEST(the_config_is_given_back_as_it_was)
{
	struct fixture f = fixture_open();
	struct err e = ERR_INIT;
	struct image *img;
	AUTO_FREE char *json = NULL;
	AUTO_BUF struct buf want = BUF_INIT;

	python(&f,
	       "def note(files): open('c', 'wb').write(next(b for b in files.values() "
	       "if b'rootfs' in b and b'diff_ids' in b))\n"
	       "save('a.tar', [base().data()], {'Cmd': ['x']}, change=note)\n");
	img = load(&f, "a.tar");
	CHECK_OK(fd_read_file(f.dir, "c", 1 << 20, &want, &e), &e);
	CHECK_OK(image_config_json(f.s, img->id, &json, &e), &e);
	CHECK_STR(json, want.data);
	CHECK_INT(image_config_json(f.s, "../x", &json, &e), -EINVAL);
	image_free(img);
}
