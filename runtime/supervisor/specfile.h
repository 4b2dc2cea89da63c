/*
 * supervisor/specfile.h - .spec into slots, at the start and at RELOAD.
 */
#ifndef SUPERVISOR_SPECFILE_H
#define SUPERVISOR_SPECFILE_H

#include "runtime/supervisor/service.h"

/**
 * specfile_check() - is this a compiled spec that can be trusted blindly afterwards?
 * Pure.
 * @data: aligned for uint32_t
 * Return: NULL, or what is wrong (a literal).
 */
const char *specfile_check(const void *data, size_t size);
/**
 * specfile_load() - read .spec in the working directory; services keep slot and state by
 * name
 * @why: filled on failure, when nothing has changed
 * Return: 0 or -errno.
 */
int specfile_load(struct supervisor *sup, char *why, size_t n);

#endif
