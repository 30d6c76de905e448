/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exarch-sim: Exchange and Graph on loopback. The map:
 *
 *     main, options, server         from the command line to parts put together; paths to parts
 *     http, pull, b64, reqlog       requests in whole, answers streamed, base64 on the way, log
 *     auth, token, jwt, keys, ntlm  tokens issued and checked, Basic, NTLM, certificates
 *     autodiscover                  where EWS is, in three forms
 *     graph, people                 who has a mailbox
 *     ews, operations, op_*         one file for each EWS operation
 *     scenario*, behave, match, throttle, tally      how the service behaves today: decided
 *     act, spoil, gzip, change, side                 and carried out
 *     control                       counters and other scenarios, for tests
 *     targets                       what a request is about
 *     schema*, xmlin, shape, property, restriction, new_item         requests checked and read
 *     soap_out, folder_xml, item_xml, paging, ids, sync_state      answers
 *     live*, spool                  what clients and scenarios change
 *     mailbox                       what operations know of mailboxes: stores and views
 *     tree_dir, dir_*, body_file, mailhead, folder_table           mail from a directory
 *     tree_gen, gen_*               generated mail
 *     profile_out                   a profile for exarch that fits
 */
#include <signal.h>
#include <stdio.h>

#include "server.h"

/* All threads inherit the mask, so that only sigwait sees the signals. */
static void
block_signals(sigset_t *set)
{
	(void)sigemptyset(set);
	(void)sigaddset(set, SIGINT);
	(void)sigaddset(set, SIGTERM);
	(void)pthread_sigmask(SIG_BLOCK, set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
}

static int
serve(const struct options *o)
{
	struct exa_error err = { 0 };
	struct server *server;
	sigset_t signals;
	int which;

	block_signals(&signals);
	if (!server_start(o, &server, &err)) {
		(void)fprintf(stderr, "exarch-sim: %s\n", err.text);
		return err.code == EXA_USAGE ? 2 : 1;
	}
	(void)printf("ready %s\n", server_url(server));
	(void)fflush(stdout);
	(void)sigwait(&signals, &which);
	server_stop(server);
	return 0;
}

int
main(int argc, char **argv)
{
	struct options options;
	struct exa_error err = { 0 };
	int status = 2;

	switch (options_read(argc, argv, &options, &err)) {
	case OPTIONS_RUN:
		status = serve(&options);
		break;
	case OPTIONS_HELP:
		options_print_help();
		status = 0;
		break;
	case OPTIONS_BAD:
		(void)fprintf(stderr, "exarch-sim: %s\n", err.text);
		break;
	}
	options_done(&options);
	return status;
}
