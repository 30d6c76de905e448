/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exarch/fs.h"

#include "auth.h"
#include "profile_out.h"

/* PATH made absolute without asking that it exists. exa_alloc'ed. */
static char *
absolute(const char *path)
{
	char here[PATH_MAX];

	if (path[0] == '/' || getcwd(here, sizeof here) == NULL)
		return exa_strdup(path);
	return fs_join(here, path);
}

static bool
write_file(const char *dir, const char *name, struct bytes content, unsigned mode,
	struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *path = fs_join(dir, name);

	return fs_write_file(path, content, mode, err);
}

static bool
write_pair(const char *dir, const char *certificate, const char *key, const struct key_pair *p,
	struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf pem = { 0 };
	EXA_AUTO(buf_done) struct buf key_pem = { 0 };

	keys_add_certificate_pem(&pem, p->certificate);
	keys_add_key_pem(&key_pem, p->key);
	return write_file(dir, key, buf_bytes(&key_pem), 0600, err) &&
	       write_file(dir, certificate, buf_bytes(&pem), 0644, err);
}

/* Reads a pair that is there, or makes it and writes it. DIR NULL: only makes it. */
static bool
keep_pair(const char *dir, const char *certificate, const char *key,
	bool (*make)(struct key_pair *, struct exa_error *), struct key_pair *out,
	struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *certificate_path = NULL;
	EXA_AUTO(exa_freep) char *key_path = NULL;

	if (dir == NULL)
		return make(out, err);
	certificate_path = fs_join(dir, certificate);
	key_path = fs_join(dir, key);
	if (fs_exists(certificate_path) && fs_exists(key_path)) {
		if (!keys_read_key(key_path, &out->key, err) ||
			!keys_read_certificate(certificate_path, &out->certificate, err))
			return false;
		/* One that has run out is of no use to anybody. */
		if (X509_cmp_current_time(X509_get0_notAfter(out->certificate)) > 0)
			return true;
		key_pair_done(out);
	}
	return make(out, err) && write_pair(dir, certificate, key, out, err);
}

bool
credentials_init(struct credentials *c, const char *profile, struct exa_error *err)
{
	*c = (struct credentials){ 0 };
	if (profile != NULL) {
		EXA_AUTO(exa_freep) char *path = absolute(profile);

		c->dir = exa_asprintf("%s.d", path);
		if (!fs_make_dirs(c->dir, 0700, err))
			return exa_while(err, "--write-profile");
	}
	return keep_pair(c->dir, "ca.pem", "ca.key", keys_make_authority, &c->authority, err) &&
	       keep_pair(c->dir, "app.crt", "app.key", keys_make_application, &c->application, err);
}

void
credentials_done(struct credentials *c)
{
	key_pair_done(&c->authority);
	key_pair_done(&c->application);
	exa_free(c->dir);
	*c = (struct credentials){ 0 };
}

/* A YAML scalar in double quotes, so that any path or name is only text. */
static void
add_quoted(struct buf *out, const char *text)
{
	buf_add_byte(out, '"');
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			buf_add_byte(out, '\\');
		buf_add_byte(out, (uint8_t)*text);
	}
	buf_add_byte(out, '"');
}

static void
add_entry(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, "%s: ", name);
	add_quoted(out, value);
	buf_add_byte(out, '\n');
}

static void
add_path_entry(struct buf *out, const char *name, const char *dir, const char *file)
{
	EXA_AUTO(exa_freep) char *path = fs_join(dir, file);

	add_entry(out, name, path);
}

static void
add_basic(struct buf *out, const struct profile_facts *f, const struct credentials *c)
{
	struct mailbox_id *boxes;
	size_t count;

	buf_add_string(out, "  auth:\n    kind: basic\n");
	add_entry(out, "    user", f->basic_user);
	add_path_entry(out, "    password_file", c->dir, "password");
	buf_add_string(out, "mailboxes:\n  from: list\n  list:\n");
	f->store->ops->list(f->store, &boxes, &count);
	for (size_t i = 0; i < count; i++) {
		buf_add_string(out, "    - ");
		add_quoted(out, boxes[i].address);
		buf_add_byte(out, '\n');
	}
	exa_free(boxes);
}

static void
add_application(struct buf *out, const struct profile_facts *f, const struct credentials *c)
{
	add_entry(out, "  token_endpoint", f->url);
	add_entry(out, "  graph_endpoint", f->url);
	buf_add_string(out, "  auth:\n    kind: app-certificate\n");
	add_entry(out, "    tenant", AUTH_TENANT);
	add_entry(out, "    client_id", AUTH_CLIENT_ID);
	add_path_entry(out, "    certificate", c->dir, "app.crt");
	add_path_entry(out, "    key", c->dir, "app.key");
	buf_add_string(out, "mailboxes:\n  from: directory\n");
}

static void
add_profile(struct buf *out, const struct profile_facts *f, const struct credentials *c,
	const char *archive)
{
	buf_add_string(out, "# Written by exarch-sim, for as long as it runs.\nversion: 1\n");
	add_entry(out, "archive", archive);
	buf_add_string(out, "create_archive: true\nsource:\n  kind: ews\n");
	buf_printf(out, "  endpoint: \"%s/EWS/Exchange.asmx\"\n", f->url);
	if (!f->plain)
		add_path_entry(out, "  tls_ca", c->dir, "ca.pem");
	if (f->basic_user != NULL)
		add_basic(out, f, c);
	else
		add_application(out, f, c);
	buf_add_string(out, "folders:\n  standard_exclusions: false\nrun:\n  threads: 4\n");
}

bool
profile_write(const struct profile_facts *f, const struct credentials *c, struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *archive = absolute(f->archive);
	EXA_AUTO(buf_done) struct buf text = { 0 };

	if (!fs_make_dirs(archive, 0700, err))
		return exa_while(err, "--archive");
	if (!write_file(c->dir, "secret", bytes_of_string(AUTH_SECRET), 0600, err) ||
		(f->basic_password != NULL &&
			!write_file(
				c->dir, "password", bytes_of_string(f->basic_password), 0600, err)))
		return false;
	add_profile(&text, f, c, archive);
	return fs_write_file(f->path, buf_bytes(&text), 0644, err);
}
