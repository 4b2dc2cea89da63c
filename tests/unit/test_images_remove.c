/* Names, images and layers taken away. */
#include "tests/lib/image_test.h"

TEST(removing_the_last_name_takes_image_and_layers_no_one_else_has)
{
	struct fixture f = fixture_open();
	struct strv used = STRV_INIT;
	struct err e = ERR_INIT;
	struct image *a, *b, *c;

	python(&f, "save('a.tar', [base().data(), Tar().add('a').data()], name='a:1')\n"
		   "save('a2.tar', [base().data(), Tar().add('a').data()], name='a:2')\n"
		   "save('b.tar', [base().data(), Tar().add('b').data()], name='b')\n");
	a = load(&f, "a.tar");
	c = load(&f, "a2.tar");
	b = load(&f, "b.tar");
	CHECK_STR(a->id, c->id);
	CHECK_INT(c->names.n, 2);
	CHECK_INT(count_names(&f, "layers"), 3);
	strv_add(&used, a->id);
	CHECK_OK(image_remove(f.s, "a:1", &used, &e), &e); /* only a name */
	CHECK_INT(image_remove(f.s, "a:2", &used, &e), IMAGE_E_IN_USE);
	CHECK_INT(image_remove(f.s, "a:1", NULL, &e), IMAGE_E_NOT_FOUND);
	CHECK_OK(image_remove(f.s, "a:2", NULL, &e), &e);
	CHECK_INT(count_names(&f, "layers"), 2);
	check_text(merged(&f, b), "etc/a", "a");
	CHECK_OK(image_remove(f.s, b->id, NULL, &e), &e);
	CHECK_INT(count_names(&f, "layers"), 0);
	CHECK_INT(count_names(&f, "images"), 0);
	CHECK_INT(count_names(&f, "refs"), 0);
	CHECK_INT(count_names(&f, "tmp"), 0);
	strv_free(&used);
	image_free(a), image_free(b), image_free(c);
}

TEST(a_name_moves_to_the_image_loaded_last)
{
	struct fixture f = fixture_open();
	struct err e = ERR_INIT;
	struct image *a, *b, *found;

	python(&f, "save('a.tar', [base().data()]); save('b.tar', "
		   "[Tar().add('b').data()])\n");
	a = load(&f, "a.tar");
	b = load(&f, "b.tar");
	CHECK_OK(image_find(f.s, "t:1", &found, &e), &e);
	CHECK_STR(found->id, b->id);
	image_free(found);
	CHECK_OK(image_find(f.s, a->id, &found, &e), &e);
	CHECK_INT(found->names.n, 0);
	image_free(found);
	image_free(a), image_free(b);
}
