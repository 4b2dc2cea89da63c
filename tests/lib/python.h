/* tests/lib/python.h - test archives and other inputs, made by a few lines of Python. */
#ifndef PYTHON_TEST_H
#define PYTHON_TEST_H

#include <limits.h>
#include <sys/wait.h>

#include "tests/lib/test.h"

/* Run Python in the scratch directory, with mkimage's names and save() at hand:
 * save(out, [layers], config, name, how, form) - see mkimage.py for Tar(), from_files() …
 */
__attribute__((unused)) static void run_python(int dir, const char *code)
{
	static const char head[] =
		"import hashlib, io, json, os, sys, tarfile, gzip\n"
		"from mkimage import *\n"
		"def save(out, layers, config=None, name='t:1', how='gzip', form='oci', "
		"change=None):\n"
		"    raw, done = image(layers, config, compression=how)\n"
		"    files = docker_files(name, raw, done) if form == 'docker' else "
		"oci_files(name, raw, done, how)\n"
		"    if change: change(files)\n"
		"    write(out, files, 'dir' if form == 'dir' else 'tar')\n"
		"def base(): return Tar().add('etc', 'd').add('etc/a', data='a')\n";
	char lib[PATH_MAX], *script = str_fmt("%s%s", head, code);
	pid_t pid;
	int st;

	CHECK(realpath("tests/lib", lib) != NULL);
	pid = fork();
	if (pid == 0) {
		setenv("PYTHONPATH", lib, 1);
		setenv("PYTHONDONTWRITEBYTECODE", "1", 1);
		if (fchdir(dir) == 0)
			execlp("python3", "python3", "-c", script, NULL);
		_exit(127);
	}
	free(script);
	waitpid(pid, &st, 0);
	if (WIFEXITED(st) && WEXITSTATUS(st) == 127)
		SKIP("python3");
	CHECK_INT(st, 0);
}

#endif
