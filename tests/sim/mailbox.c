/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "mailbox.h"

void
body_close(struct body *b)
{
	if (b != NULL)
		b->close(b);
}

void
body_closep(struct body **b)
{
	body_close(*b);
	*b = NULL;
}

struct view *
view_keep(struct view *v)
{
	atomic_fetch_add(&v->references, 1);
	return v;
}

void
view_drop(struct view *v)
{
	if (v != NULL && atomic_fetch_sub(&v->references, 1) == 1)
		v->ops->free(v);
}

void
view_dropp(struct view **v)
{
	view_drop(*v);
	*v = NULL;
}

bool
view_find_folder(const struct view *v, uint64_t number, size_t *folder_out)
{
	for (size_t i = 0; i < v->folder_count; i++) {
		if (v->folders[i].number == number) {
			*folder_out = i;
			return true;
		}
	}
	return false;
}

bool
view_find_distinguished(const struct view *v, const char *name, size_t *folder_out)
{
	for (size_t i = 0; i < v->folder_count; i++) {
		if (v->folders[i].distinguished != NULL &&
			strcmp(v->folders[i].distinguished, name) == 0) {
			*folder_out = i;
			return true;
		}
	}
	return false;
}

bool
view_is_below(const struct view *v, size_t folder, size_t ancestor)
{
	while (v->folders[folder].parent != folder) { /* roots are their own parents */
		folder = v->folders[folder].parent;
		if (folder == ancestor)
			return true;
	}
	return false;
}

static void
digest(const char *purpose, struct bytes a, struct bytes b, uint8_t out[32])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t length[8];

	put_le64(length, a.size);
	(void)EVP_DigestInit_ex(ctx, EVP_sha256(), NULL);
	(void)EVP_DigestUpdate(ctx, purpose, strlen(purpose) + 1);
	(void)EVP_DigestUpdate(ctx, length, sizeof length);
	(void)EVP_DigestUpdate(ctx, a.data, a.size);
	(void)EVP_DigestUpdate(ctx, b.data, b.size);
	(void)EVP_DigestFinal_ex(ctx, out, NULL);
	EVP_MD_CTX_free(ctx);
}

uint64_t
stable_hash(const char *purpose, struct bytes a, struct bytes b)
{
	uint8_t sum[32];

	digest(purpose, a, b, sum);
	return get_be64(sum);
}

void
mailbox_id_init(struct mailbox_id *id, const char *address, const char *name)
{
	char folded[MAILBOX_ADDRESS_MAX];
	char hex[33];
	uint8_t sum[32];
	size_t i;

	(void)snprintf(id->address, sizeof id->address, "%s", address);
	(void)snprintf(id->name, sizeof id->name, "%s", name);
	for (i = 0; id->address[i] != '\0'; i++)
		folded[i] = (char)tolower((unsigned char)id->address[i]);
	folded[i] = '\0';
	digest("mailbox", bytes_of_string(folded), bytes_of(NULL, 0), sum);
	memcpy(id->guid, sum, sizeof id->guid);
	id->guid[6] = (uint8_t)(0x40 | (id->guid[6] & 0x0f));
	id->guid[8] = (uint8_t)(0x80 | (id->guid[8] & 0x3f));
	hex_encode(bytes_of(id->guid, sizeof id->guid), hex);
	(void)snprintf(id->guid_text, sizeof id->guid_text, "%.8s-%.4s-%.4s-%.4s-%.12s", hex,
		hex + 8, hex + 12, hex + 16, hex + 20);
}
