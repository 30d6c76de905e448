/* SPDX-License-Identifier: Apache-2.0 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <curl/curl.h>
#include <gmime/gmime.h>
#include <libdeflate.h>
#include <libxml/parser.h>
#include <lmdb.h>
#include <openssl/crypto.h>
#include <openssl/opensslv.h>
#include <pcre2.h>
#include <sqlite3.h>
#include <zlib.h>
#include <zstd.h>

#include "exarch/store.h"

#include "build_info.h"

#define VERSION_MAX 64

/* ---- the program ---- */

static void
add_text(json_t *list, const char *text)
{
	(void)json_array_append_new(list, json_string(text));
}

static json_t *
compiler(void)
{
#if defined(__clang__)
	return json_string("clang " __clang_version__);
#else
	return json_string("gcc " __VERSION__);
#endif
}

/* What the linker was asked for shows in the loaded program's own headers. */
static int
read_program_headers(struct dl_phdr_info *info, size_t size, void *list)
{
	bool relro = false, now = false, stack_executable = true;

	(void)size;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *head = &info->dlpi_phdr[i];
		const ElfW(Dyn) *entry = (const void *)(info->dlpi_addr + head->p_vaddr);

		relro = relro || head->p_type == PT_GNU_RELRO;
		if (head->p_type == PT_GNU_STACK)
			stack_executable = (head->p_flags & PF_X) != 0;
		for (; head->p_type == PT_DYNAMIC && entry->d_tag != DT_NULL; entry++)
			now = now ||
			      (entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_BIND_NOW) != 0);
	}
	if (relro)
		add_text(list, now ? "full RELRO" : "partial RELRO");
	if (!stack_executable)
		add_text(list, "non-executable stack");
	return 1; /* the program comes first; its libraries are others' work */
}

static json_t *
hardening(void)
{
	json_t *list = json_array();
	char option[VERSION_MAX];
	int used;

	for (const char *p = built_hardening; sscanf(p, "%63s%n", option, &used) == 1; p += used)
		add_text(list, option);
#if defined(_FORTIFY_SOURCE)
	(void)snprintf(option, sizeof option, "_FORTIFY_SOURCE=%d", _FORTIFY_SOURCE);
	add_text(list, option);
#endif
#if defined(__PIE__)
	add_text(list, "PIE");
#endif
	(void)dl_iterate_phdr(read_program_headers, list);
	return list;
}

/* ---- what it runs with ---- */

static void
put_text(char out[VERSION_MAX], const char *version)
{
	(void)snprintf(out, VERSION_MAX, "%s", version);
}

static void
put_three(char out[VERSION_MAX], unsigned major, unsigned minor, unsigned patch)
{
	(void)snprintf(out, VERSION_MAX, "%u.%u.%u", major, minor, patch);
}

static void
curl_versions(char compiled[VERSION_MAX], char running[VERSION_MAX])
{
	put_text(compiled, LIBCURL_VERSION);
	put_text(running, curl_version_info(CURLVERSION_NOW)->version);
}

static void
openssl_versions(char compiled[VERSION_MAX], char running[VERSION_MAX])
{
	put_text(compiled, OPENSSL_VERSION_STR);
	put_text(running, OpenSSL_version(OPENSSL_VERSION_STRING));
}

static void
libxml2_versions(char compiled[VERSION_MAX], char running[VERSION_MAX])
{
	unsigned number = (unsigned)strtoul(xmlParserVersion, NULL, 10); /* 20914 is 2.9.14 */

	put_text(compiled, LIBXML_DOTTED_VERSION);
	put_three(running, number / 10000, number / 100 % 100, number % 100);
}

static void
zlib_versions(char compiled[VERSION_MAX], char running[VERSION_MAX])
{
	put_text(compiled, ZLIB_VERSION);
	put_text(running, zlibVersion());
}

/* It doesn't say which one runs. */
static void
libdeflate_versions(char compiled[VERSION_MAX], char running[VERSION_MAX])
{
	put_text(compiled, LIBDEFLATE_VERSION_STRING);
	put_text(running, "-");
}

static void
zstd_versions(char compiled[VERSION_MAX], char running[VERSION_MAX])
{
	put_text(compiled, ZSTD_VERSION_STRING);
	put_text(running, ZSTD_versionString());
}

static void
lmdb_versions(char compiled[VERSION_MAX], char running[VERSION_MAX])
{
	int major, minor, patch;

	(void)mdb_version(&major, &minor, &patch);
	put_three(compiled, MDB_VERSION_MAJOR, MDB_VERSION_MINOR, MDB_VERSION_PATCH);
	put_three(running, (unsigned)major, (unsigned)minor, (unsigned)patch);
}

static void
gmime_versions(char compiled[VERSION_MAX], char running[VERSION_MAX])
{
	put_three(compiled, GMIME_MAJOR_VERSION, GMIME_MINOR_VERSION, GMIME_MICRO_VERSION);
	put_three(running, gmime_major_version, gmime_minor_version, gmime_micro_version);
}

static void
sqlite_versions(char compiled[VERSION_MAX], char running[VERSION_MAX])
{
	put_text(compiled, SQLITE_VERSION);
	put_text(running, sqlite3_libversion());
}

static void
pcre2_versions(char compiled[VERSION_MAX], char running[VERSION_MAX])
{
	(void)snprintf(compiled, VERSION_MAX, "%d.%d", PCRE2_MAJOR, PCRE2_MINOR);
	(void)pcre2_config(PCRE2_CONFIG_VERSION, running);
	running[strcspn(running, " ")] = '\0'; /* "10.42 2022-12-11" */
}

static void
jansson_versions(char compiled[VERSION_MAX], char running[VERSION_MAX])
{
	put_text(compiled, JANSSON_VERSION);
	put_text(running, jansson_version_str());
}

static json_t *
libraries(void)
{
	static const struct {
		const char *name;
		void (*versions)(char compiled[VERSION_MAX], char running[VERSION_MAX]);
	} all[] = { { "libcurl", curl_versions }, { "OpenSSL", openssl_versions },
		{ "libxml2", libxml2_versions }, { "zlib", zlib_versions },
		{ "libdeflate", libdeflate_versions }, { "zstd", zstd_versions },
		{ "LMDB", lmdb_versions }, { "GMime", gmime_versions },
		{ "SQLite", sqlite_versions }, { "PCRE2", pcre2_versions },
		{ "Jansson", jansson_versions } };
	char compiled[VERSION_MAX], running[VERSION_MAX];
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		all[i].versions(compiled, running);
		(void)json_array_append_new(
			list, json_pack("{s:s, s:s, s:s}", "name", all[i].name, "compiled",
				      compiled, "running", running));
	}
	return list;
}

/* What exarch itself looks for (CRC-32C, base64), and what OpenSSL does (AES-GCM, SHA-256). */
static json_t *
processor(void)
{
	json_t *list = json_array();
#if defined(__x86_64__)
	unsigned a, b, c, d;

	if (__builtin_cpu_supports("sse4.2"))
		add_text(list, "SSE4.2");
	if (__builtin_cpu_supports("avx2"))
		add_text(list, "AVX2");
	if (__get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_AES) != 0)
		add_text(list, "AES");
	if (__get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_SHA) != 0)
		add_text(list, "SHA");
#endif
	return list;
}

json_t *
build_info(void)
{
#if defined(NDEBUG)
	const char *assertions = "off";
#else
	const char *assertions = "on";
#endif
	unsigned major, minor;

	store_format_version(&major, &minor);
	return json_pack("{s:s, s:s, s:o, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:[s, s], s:o, s:o}",
		"version", EXARCH_VERSION, "commit", built_commit, "compiler", compiler(), "build",
		built_type, "optimization", built_optimization, "assertions", assertions,
		"sanitizers", built_sanitizers, "hardening", hardening(), "processor", processor(),
		"libraries", libraries(), "codecs", "zlib", "zstd", "writes_format",
		json_sprintf("%u.%u", major, minor), "reads_format", json_sprintf("%u.x", major));
}
