/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The limit kernel: the work that no archiver of these messages can be without, from memory and on
 * one thread, as a yardstick for the processor time of `exarch archive`:
 *
 *     tls      AES-256-GCM over the base64 text of each message, in records of 16 KiB
 *     base64   the text into the message
 *     sha      SHA-256 of the message
 *     parts    base64 parts of the message, decoded
 *     ids      SHA-256 of each part of 1 KiB and more
 *     codec    what is unique: parts from 64 KiB alone, the rest in blocks of 256 KiB
 *     write    write and fdatasync
 *
 * No HTTP, no XML, no MIME grammar, no records, no index, no proof: where the parts are is found out
 * before the clock starts. What it stores is the yardstick of the store's size as well; it can't be
 * read back.
 *
 *     bench-limit FOLDER zlib|zstd OUTPUT-FILE      prints one JSON object
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <libdeflate.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <zstd.h>

#include "exarch/fs.h"
#include "exarch/mem.h"
#include "mail.h"

#define RECORD ((size_t)16 * 1024)
#define RECORD_TAG 16
#define PART_MIN ((size_t)1024)
#define ALONE_FROM ((size_t)64 * 1024)
#define BLOCK ((size_t)256 * 1024)
#define SYNC_EVERY ((uint64_t)64 * 1024 * 1024)
#define ZLIB_LEVEL 6 /* both as in src/store/codec.c */
#define ZSTD_LEVEL 3
#define PROBE ((size_t)16 * 1024)
#define PROBE_WORTH 99
#define BOUNDARIES_MAX 16

enum stage { TLS, BASE64, SHA, PARTS, IDS, CODEC, WRITE, STAGE_COUNT };
static const char *const stage_names[] = { "tls", "base64", "sha", "parts", "ids", "codec",
	"write" };

struct piece {
	size_t at, size; /* in the message */
	bool base64;
};

struct message {
	struct buf text; /* base64, enciphered, each record with its tag */
	size_t text_size, mime_size;
	struct piece *pieces;
	size_t piece_count;
};

struct kernel {
	bool zstd;
	int fd;
	const char *path;
	EVP_CIPHER_CTX *cipher;
	struct libdeflate_compressor *deflater;
	ZSTD_CCtx *zstd_context;
	uint8_t (*seen)[SHA256_DIGEST_LENGTH]; /* open addressing */
	size_t seen_size, seen_count;
	struct buf text, mime, part, block, meta, packed;
	uint64_t written, synced, unique_bytes;
	double spent[STAGE_COUNT];
	double last;
};

static const uint8_t key[32], iv[12];

static void
spend(struct kernel *k, enum stage stage)
{
	double now = cpu_seconds();

	k->spent[stage] += now - k->last;
	k->last = now;
}

/* ---- before the clock starts ---- */

struct cutter {
	const struct buf *mime;
	struct message *out;
	struct bytes boundaries[BOUNDARIES_MAX];
	size_t boundary_count;
	bool base64;
};

static struct bytes
line_at(const struct buf *mime, size_t at)
{
	const uint8_t *end = memchr(mime->data + at, '\n', mime->size - at);

	return bytes_of(mime->data + at,
		end != NULL ? (size_t)(end - mime->data) + 1 - at : mime->size - at);
}

static bool
begins(struct bytes line, const char *with)
{
	return line.size >= strlen(with) &&
	       strncasecmp((const char *)line.data, with, strlen(with)) == 0;
}

static void
look_at_header(struct cutter *c, struct bytes line)
{
	const uint8_t *boundary = memmem(line.data, line.size, "boundary=\"", 10), *end;

	if (begins(line, "content-transfer-encoding:"))
		c->base64 = memmem(line.data, line.size, "base64", 6) != NULL;
	if (boundary == NULL || c->boundary_count == BOUNDARIES_MAX)
		return;
	boundary += 10;
	end = memchr(boundary, '"', line.size - (size_t)(boundary - line.data));
	if (end != NULL)
		c->boundaries[c->boundary_count++] = bytes_of(boundary, (size_t)(end - boundary));
}

static bool
is_delimiter(const struct cutter *c, struct bytes line)
{
	if (!begins(line, "--"))
		return false;
	for (size_t i = 0; i < c->boundary_count; i++) {
		if (bytes_equal(bytes_take(bytes_skip(line, 2), c->boundaries[i].size),
			    c->boundaries[i]))
			return true;
	}
	return false;
}

static void
add_piece(struct cutter *c, size_t at, size_t end)
{
	struct message *m = c->out;

	if (end - at < PART_MIN)
		return;
	m->pieces = exa_realloc_array(m->pieces, m->piece_count + 1, sizeof *m->pieces);
	m->pieces[m->piece_count++] =
		(struct piece){ .at = at, .size = end - at, .base64 = c->base64 };
}

static void
cut(const struct buf *mime, struct message *out)
{
	struct cutter c = { .mime = mime, .out = out };
	bool in_header = true;
	size_t body = 0;

	for (size_t at = 0; at < mime->size;) {
		struct bytes line = line_at(mime, at);

		if (in_header) {
			look_at_header(&c, line);
			in_header = line.size > 2 || (line.size == 2 && line.data[0] != '\r');
			body = at + line.size;
		} else if (is_delimiter(&c, line)) {
			add_piece(&c, body, at);
			c.base64 = false;
			in_header = true;
		}
		at += line.size;
	}
	if (!in_header)
		add_piece(&c, body, mime->size);
}

static void
encipher(struct kernel *k, const struct buf *text, struct buf *out)
{
	int size;

	buf_reserve(out, text->size + (text->size / RECORD + 1) * RECORD_TAG);
	for (size_t at = 0; at < text->size; at += RECORD) {
		struct bytes record = bytes_take(bytes_skip(buf_bytes(text), at), RECORD);

		(void)EVP_EncryptInit_ex(k->cipher, EVP_aes_256_gcm(), NULL, key, iv);
		(void)EVP_EncryptUpdate(
			k->cipher, out->data + out->size, &size, record.data, (int)record.size);
		out->size += record.size;
		(void)EVP_EncryptFinal_ex(k->cipher, out->data + out->size, &size);
		(void)EVP_CIPHER_CTX_ctrl(
			k->cipher, EVP_CTRL_GCM_GET_TAG, RECORD_TAG, out->data + out->size);
		out->size += RECORD_TAG;
	}
}

static void
prepare(struct kernel *k, const struct buf *mime, struct message *out)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };

	buf_add_base64(&text, buf_bytes(mime));
	out->text_size = text.size;
	out->mime_size = mime->size;
	encipher(k, &text, &out->text);
	cut(mime, out);
}

/* ---- the work ---- */

static bool
decipher(struct kernel *k, const struct message *m)
{
	int size;

	buf_reset(&k->text);
	buf_reserve(&k->text, m->text_size);
	for (size_t at = 0, left = m->text_size; left > 0;) {
		const size_t take = left < RECORD ? left : RECORD;
		const uint8_t *record = m->text.data + at;
		uint8_t tag[RECORD_TAG];

		memcpy(tag, record + take, sizeof tag);
		if (EVP_DecryptInit_ex(k->cipher, EVP_aes_256_gcm(), NULL, key, iv) != 1 ||
			EVP_DecryptUpdate(k->cipher, k->text.data + k->text.size, &size, record,
				(int)take) != 1 ||
			EVP_CIPHER_CTX_ctrl(k->cipher, EVP_CTRL_GCM_SET_TAG, RECORD_TAG, tag) !=
				1 ||
			EVP_DecryptFinal_ex(k->cipher, k->text.data + k->text.size, &size) != 1)
			return false;
		k->text.size += take;
		at += take + RECORD_TAG;
		left -= take;
	}
	return true;
}

/* Four characters by four tables, which OpenSSL's decoder hasn't; lines end where they end. */
static uint32_t tables[4][256];

static void
make_tables(void)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	memset(tables, 0xff, sizeof tables);
	for (uint32_t i = 0; i < 64; i++) {
		for (uint32_t t = 0; t < 4; t++)
			tables[t][(uint8_t)alphabet[i]] = i << (18 - 6 * t);
	}
}

static void
decode(struct bytes text, struct buf *out)
{
	size_t at = 0;

	buf_reset(out);
	buf_reserve(out, text.size / 4 * 3 + 3);
	while (at + 4 <= text.size) {
		const uint8_t *p = text.data + at;
		uint32_t v = tables[0][p[0]] | tables[1][p[1]] | tables[2][p[2]] | tables[3][p[3]];

		if (v >> 24 == 0) {
			out->data[out->size] = (uint8_t)(v >> 16);
			out->data[out->size + 1] = (uint8_t)(v >> 8);
			out->data[out->size + 2] = (uint8_t)v;
			out->size += 3;
			at += 4;
		} else if (*p == '\r' || *p == '\n') {
			at++;
		} else {
			if (tables[0][p[0]] >> 24 != 0 || p[3] != '=')
				return;
			v = tables[0][p[0]] | tables[1][p[1]] | (p[2] == '=' ? 0 : tables[2][p[2]]);
			out->data[out->size++] = (uint8_t)(v >> 16);
			if (p[2] != '=')
				out->data[out->size++] = (uint8_t)(v >> 8);
			return;
		}
	}
}

static bool
is_new(struct kernel *k, const uint8_t id[SHA256_DIGEST_LENGTH])
{
	static const uint8_t none[SHA256_DIGEST_LENGTH];
	size_t at = (size_t)get_le64(id) % k->seen_size;

	while (memcmp(k->seen[at], none, sizeof none) != 0) {
		if (memcmp(k->seen[at], id, sizeof none) == 0)
			return false;
		at = (at + 1) % k->seen_size;
	}
	memcpy(k->seen[at], id, sizeof none);
	return true;
}

/* 0: not smaller. */
static size_t
compress_into(struct kernel *k, struct bytes raw)
{
	size_t size;

	buf_reset(&k->packed);
	buf_reserve(&k->packed, raw.size);
	if (k->zstd) {
		size = ZSTD_compress2(
			k->zstd_context, k->packed.data, raw.size, raw.data, raw.size);
		return ZSTD_isError(size) ? 0 : size;
	}
	if (raw.size > BLOCK / 4 && libdeflate_zlib_compress(k->deflater, raw.data, PROBE,
					    k->packed.data, PROBE * PROBE_WORTH / 100) == 0)
		return 0;
	return libdeflate_zlib_compress(k->deflater, raw.data, raw.size, k->packed.data, raw.size);
}

static bool
store(struct kernel *k, struct bytes raw, struct exa_error *err)
{
	size_t size;

	if (raw.size == 0)
		return true;
	size = compress_into(k, raw);
	spend(k, CODEC);
	if (!fs_write_all(k->fd, size > 0 ? bytes_of(k->packed.data, size) : raw, k->path, err))
		return false;
	k->written += size > 0 ? size : raw.size;
	if (k->written - k->synced >= SYNC_EVERY) {
		k->synced = k->written;
		if (fdatasync(k->fd) != 0)
			return exa_fail_errno(err, errno, "fdatasync of %s", k->path);
	}
	spend(k, WRITE);
	return true;
}

static bool
gather(struct kernel *k, struct buf *block, struct bytes raw, struct exa_error *err)
{
	bool good = block->size + raw.size <= BLOCK || store(k, buf_bytes(block), err);

	if (block->size + raw.size > BLOCK)
		buf_reset(block);
	buf_add_bytes(block, raw);
	return good;
}

static bool
take_part(struct kernel *k, struct bytes part, struct exa_error *err)
{
	uint8_t id[SHA256_DIGEST_LENGTH];
	bool new;

	(void)EVP_Digest(part.data, part.size, id, NULL, EVP_sha256(), NULL);
	new = is_new(k, id);
	spend(k, IDS);
	if (!new)
		return true;
	k->unique_bytes += part.size;
	return part.size >= ALONE_FROM ? store(k, part, err) : gather(k, &k->block, part, err);
}

static bool
take(struct kernel *k, const struct message *m, struct exa_error *err)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	struct bytes mime;
	size_t at = 0;

	k->last = cpu_seconds();
	if (!decipher(k, m))
		return exa_fail(err, EXA_FAILED, "a record doesn't decipher");
	spend(k, TLS);
	buf_reset(&k->mime);
	buf_reserve(&k->mime, m->text_size);
	if (EVP_DecodeBlock(k->mime.data, k->text.data, (int)m->text_size) < (int)m->mime_size)
		return exa_fail(err, EXA_FAILED, "a message doesn't decode");
	k->mime.size = m->mime_size;
	mime = buf_bytes(&k->mime);
	spend(k, BASE64);
	(void)EVP_Digest(mime.data, mime.size, digest, NULL, EVP_sha256(), NULL);
	spend(k, SHA);
	for (size_t i = 0; i < m->piece_count; i++) {
		const struct piece *p = &m->pieces[i];
		struct bytes part = bytes_take(bytes_skip(mime, p->at), p->size);

		if (!gather(k, &k->meta, bytes_take(bytes_skip(mime, at), p->at - at), err))
			return false;
		at = p->at + p->size;
		if (p->base64) {
			decode(part, &k->part);
			part = buf_bytes(&k->part);
			spend(k, PARTS);
		}
		if (!take_part(k, part, err))
			return false;
	}
	return gather(k, &k->meta, bytes_skip(mime, at), err);
}

static bool
finish(struct kernel *k, struct exa_error *err)
{
	if (!store(k, buf_bytes(&k->block), err) || !store(k, buf_bytes(&k->meta), err))
		return false;
	if (fdatasync(k->fd) != 0)
		return exa_fail_errno(err, errno, "fdatasync of %s", k->path);
	spend(k, WRITE);
	return true;
}

static bool
run(struct kernel *k, const struct mail *mail, struct exa_error *err)
{
	struct message *messages = exa_alloc_array(mail->count, sizeof *messages);
	bool good = true;

	for (size_t i = 0; i < mail->count; i++) {
		prepare(k, &mail->messages[i], &messages[i]);
		k->seen_size += 2 * messages[i].piece_count;
	}
	k->seen_size += 1;
	k->seen = exa_alloc_array(k->seen_size, sizeof *k->seen);
	for (size_t i = 0; i < mail->count; i++)
		good = good && take(k, &messages[i], err);
	good = good && finish(k, err);
	for (size_t i = 0; i < mail->count; i++) {
		buf_done(&messages[i].text);
		exa_free(messages[i].pieces);
	}
	exa_free(messages);
	return good;
}

static void
print(const struct kernel *k, const struct mail *mail)
{
	double total = 0;

	(void)printf("{\"messages\": %zu, \"mime_bytes\": %llu, \"unique_bytes\": %llu, "
		     "\"stored_bytes\": %llu, \"stages\": {",
		mail->count, (unsigned long long)mail->bytes, (unsigned long long)k->unique_bytes,
		(unsigned long long)k->written);
	for (int i = 0; i < STAGE_COUNT; i++) {
		(void)printf("%s\"%s\": %.6f", i > 0 ? ", " : "", stage_names[i], k->spent[i]);
		total += k->spent[i];
	}
	(void)printf("}, \"cpu_s\": %.6f}\n", total);
}

static void
kernel_done(struct kernel *k)
{
	EVP_CIPHER_CTX_free(k->cipher);
	libdeflate_free_compressor(k->deflater);
	(void)ZSTD_freeCCtx(k->zstd_context);
	exa_free(k->seen);
	buf_done(&k->text);
	buf_done(&k->mime);
	buf_done(&k->part);
	buf_done(&k->block);
	buf_done(&k->meta);
	buf_done(&k->packed);
	if (k->fd >= 0)
		(void)close(k->fd);
}

int
main(int argc, char **argv)
{
	struct kernel k = { .zstd = argc == 4 && strcmp(argv[2], "zstd") == 0, .fd = -1 };
	struct mail mail = { 0 };
	struct exa_error err;
	bool good;

	if (argc != 4) {
		(void)fprintf(stderr, "usage: bench-limit FOLDER zlib|zstd OUTPUT-FILE\n");
		return 2;
	}
	make_tables();
	k.path = argv[3];
	k.cipher = EVP_CIPHER_CTX_new();
	k.zstd_context = ZSTD_createCCtx();
	k.deflater = libdeflate_alloc_compressor(ZLIB_LEVEL);
	(void)ZSTD_CCtx_setParameter(k.zstd_context, ZSTD_c_compressionLevel, ZSTD_LEVEL);
	good = mail_load(argv[1], &mail, &err);
	if (good) {
		k.fd = open(k.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		good = k.fd >= 0 || exa_fail_errno(&err, errno, "making %s", k.path);
	}
	good = good && run(&k, &mail, &err);
	if (good)
		print(&k, &mail);
	else
		(void)fprintf(stderr, "bench-limit: %s\n", err.text);
	mail_done(&mail);
	kernel_done(&k);
	return good ? 0 : 1;
}
