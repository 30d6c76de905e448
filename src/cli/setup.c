/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exarch/fs.h"
#include "exarch/mem.h"
#include "exarch/store.h"

#include "setup.h"

/* 'TEXT' in YAML: nothing in it means anything but two quotes. */
static void
add_text(struct buf *out, const char *text)
{
	buf_add_byte(out, '\'');
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			buf_add_byte(out, '\'');
		buf_add_byte(out, (uint8_t)*text);
	}
	buf_add_byte(out, '\'');
}

static void
add_key(struct buf *out, const char *indent, const char *key, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return;
	buf_printf(out, "%s%s: ", indent, key);
	add_text(out, value);
	buf_add_byte(out, '\n');
}

/* In the profile a path would be of the profile's folder. */
static char *
absolute(const char *path)
{
	EXA_AUTO(exa_freep) char *here = exa_alloc(4096);

	if (path == NULL || path[0] == '\0' || path[0] == '/' || getcwd(here, 4096) == NULL)
		return exa_strdup(path);
	return fs_join(here, path);
}

static void
add_path(struct buf *out, const char *indent, const char *key, const char *path)
{
	EXA_AUTO(exa_freep) char *whole = absolute(path);

	add_key(out, indent, key, whole);
}

static void
add_archive(const struct setup *s, struct buf *out)
{
	EXA_AUTO(exa_freep) char *archive = absolute(s->value[OPT_ARCHIVE]);

	buf_add_string(out,
		"# Where the mail goes: a folder on a local disk that belongs to the user who runs "
		"exarch.\n");
	add_key(out, "", "archive", archive);
	if (!store_exists(archive))
		buf_add_string(out,
			"# The first run makes it. Say false once it is there: a disk that isn't "
			"mounted is then noticed.\n"
			"create_archive: true\n");
	else
		buf_add_string(out, "create_archive: false\n");
	buf_add_string(out, "# An encrypted archive: make it with `exarch init --encrypt`, and "
			    "name its key here.\n"
			    "# archive_key: { key_file: archive.key }\n\n");
}

static void
add_source(const struct setup *s, struct buf *out)
{
	const char *const *v = s->value;
	const bool own = !s->is_app, searched = own && v[OPT_ENDPOINT][0] == '\0';

	buf_add_string(out, "source:\n  kind: ews\n");
	add_key(out, "  ", "cloud", v[OPT_CLOUD]);
	add_key(out, "  ", "endpoint", v[OPT_ENDPOINT]);
	if (searched)
		buf_add_string(out, "  autodiscover: true # or endpoint: "
				    "https://HOST/EWS/Exchange.asmx\n");
	add_path(out, "  ", "tls_ca", v[OPT_TLS_CA]);
	buf_add_string(out, "  auth:\n");
	add_key(out, "    ", "kind", v[OPT_KIND]);
	add_key(out, "    ", "tenant", v[OPT_TENANT]);
	add_key(out, "    ", "client_id", v[OPT_CLIENT_ID]);
	if (v[OPT_CERTIFICATE] != NULL)
		buf_add_string(out, "    # The .cer that was made with them is uploaded to the app "
				    "registration (Certificates & secrets).\n");
	add_path(out, "    ", "certificate", v[OPT_CERTIFICATE]);
	add_path(out, "    ", "key", v[OPT_KEY]);
	add_path(out, "    ", "secret_file", v[OPT_SECRET_FILE]);
	add_key(out, "    ", "user", v[OPT_USER]);
	add_path(out, "    ", "password_file", v[OPT_PASSWORD_FILE]);
	buf_add_byte(out, '\n');
}

static void
add_addresses(const char *list, struct buf *out)
{
	buf_add_string(out, "  list:\n");
	while (*list != '\0') {
		size_t size = strcspn(list, ", ");

		if (size > 0) {
			EXA_AUTO(exa_freep) char *address = exa_strndup(list, size);

			buf_add_string(out, "    - ");
			add_text(out, address);
			buf_add_byte(out, '\n');
		}
		list += size + strspn(list + size, ", ");
	}
}

static void
add_mailboxes(const struct setup *s, struct buf *out)
{
	const char *who = s->value[OPT_MAILBOXES];

	buf_add_string(out, "# `exarch mailboxes PROFILE` shows who would be archived, and why or "
			    "why not.\nmailboxes:\n");
	if (strcmp(who, "directory") == 0)
		buf_add_string(out, "  from: directory # all users in Microsoft Graph\n"
				    "  # Shared mailboxes mostly have no licence and no sign-in: "
				    "to archive them, say false to both.\n"
				    "  only_licensed: true\n"
				    "  only_enabled: true\n"
				    "  # groups: [Sales]\n"
				    "  # exclude: [\"test*@contoso.com\"]\n");
	else if (strchr(who, '@') != NULL && !fs_exists(who))
		add_addresses(who, out);
	else
		add_path(out, "  ", "file", who);
	buf_add_string(out,
		"  # Beside the mailbox: its online archive, and what users deleted for "
		"good.\n  # parts: [primary, archive, recoverable]\n\n");
}

void
setup_write(const struct setup *s, struct buf *out)
{
	buf_add_string(out,
		"# An exarch profile: what is archived, from where, into which archive.\n"
		"# All keys: docs/profile.md. `exarch config show` prints what holds.\n"
		"version: 1\n\n");
	add_archive(s, out);
	add_source(s, out);
	add_mailboxes(s, out);
	buf_add_string(out,
		"# `exarch folders PROFILE MAILBOX` shows which rule decides for each folder.\n"
		"folders:\n"
		"  standard_exclusions: true # not Deleted Items, Drafts, Junk Email, Outbox, "
		"Sync Issues\n"
		"  # rules: [{ exclude: \"/Inbox/Private/**\" }]\n\n"
		"# Held back until it is old enough, looked at again at every run:\n"
		"# filters: { older_than: 3 months }\n\n"
		"# Nothing is deleted at the server unless this says so (docs/profile.md):\n"
		"# delete: { when: archived, older_than: 12 months }\n\n"
		"run:\n"
		"  threads: 4\n");
}
