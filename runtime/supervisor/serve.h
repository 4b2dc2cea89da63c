/*
 * supervisor/serve.h - the other life of this small program: a listener that starts one
 * short-lived `minibox` a connection.
 */
#ifndef SUPERVISOR_SERVE_H
#define SUPERVISOR_SERVE_H

/**
 * serve() - accept on descriptor 3 for ever
 * @minibox: absolute path of the program that answers as `minibox _metrics`, the
 *           connection its standard input and output, our environment its own
 * At most eight answer at once; how long one may take is its own affair (alarm(2)).
 * Return: exit status, when accepting fails for good.
 */
int serve(char *minibox);

#endif
