/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include <openssl/x509_vfy.h>

#include "failure.h"

/* Results that are worth words of their own; any other is EXA_NET with libcurl's text. */
static const struct {
	CURLcode result;
	enum exa_code code;
	const char *words;
} known[] = {
	{ CURLE_COULDNT_RESOLVE_HOST, EXA_UNREACHABLE, "the name can't be looked up" },
	{ CURLE_COULDNT_RESOLVE_PROXY, EXA_UNREACHABLE, "the proxy's name can't be looked up" },
	{ CURLE_COULDNT_CONNECT, EXA_UNREACHABLE, "can't connect" },
	{ CURLE_GOT_NOTHING, EXA_NET, "the connection was closed without an answer" },
	{ CURLE_PARTIAL_FILE, EXA_NET, "the answer was cut short" },
	{ CURLE_RECV_ERROR, EXA_NET, "the connection broke while receiving" },
	{ CURLE_SEND_ERROR, EXA_NET, "the connection broke while sending" },
	{ CURLE_SSL_CONNECT_ERROR, EXA_UNREACHABLE,
		"the TLS handshake failed (TLS 1.2 is the least)" },
	{ CURLE_BAD_CONTENT_ENCODING, EXA_NET, "the compressed answer is damaged" },
	{ CURLE_WEIRD_SERVER_REPLY, EXA_PROTOCOL, "the answer isn't HTTP" },
	{ CURLE_UNSUPPORTED_PROTOCOL, EXA_PROTOCOL, "the answer isn't HTTP" },
	{ CURLE_URL_MALFORMAT, EXA_USAGE, "the address isn't a good URL" },
};

static bool
explain_certificate(const struct failure *f, struct exa_error *err)
{
	switch (f->verify_result) {
	case X509_V_OK:
	case X509_V_ERR_UNSPECIFIED:
		/* OpenSSL had nothing against the chain, so it was the name: libcurl checks that
		 * itself, before it takes note of OpenSSL's result. */
		return exa_fail(err, EXA_AUTH,
			"%s: the server's certificate is for another host name; check the host in "
			"the profile (%s)",
			f->host, f->detail);
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return exa_fail(err, EXA_AUTH,
			"%s: the server's certificate has expired; renew it there (or this "
			"machine's clock is wrong)",
			f->host);
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return exa_fail(err, EXA_AUTH,
			"%s: the server's certificate isn't valid yet; is this machine's clock "
			"right?",
			f->host);
	default:
		return exa_fail(err, EXA_AUTH,
			"%s: the server's certificate is not signed by an authority trusted by %s; "
			"if the server is yours, name its CA certificate in source.tls_ca (%s)",
			f->host, f->tls_ca_file != NULL ? f->tls_ca_file : "this system",
			X509_verify_cert_error_string(f->verify_result));
	}
}

bool
failure_explain(const struct failure *f, struct exa_error *err)
{
	const char *separator = f->detail[0] != '\0' ? ": " : "";

	if (f->result == CURLE_PEER_FAILED_VERIFICATION)
		return explain_certificate(f, err);
	if (f->result == CURLE_SSL_CACERT_BADFILE && f->tls_ca_file == NULL)
		return exa_fail(err, EXA_USAGE,
			"this system holds no CA certificates to check a server's with; install "
			"the package ca-certificates, or name a CA certificate in source.tls_ca");
	if (f->result == CURLE_SSL_CACERT_BADFILE)
		return exa_fail(err, EXA_USAGE,
			"source.tls_ca: %s can't be read as PEM certificates", f->tls_ca_file);
	if (f->result == CURLE_OPERATION_TIMEDOUT && f->connected)
		return exa_fail(err, EXA_TIMEOUT, "%s: the answer stalled", f->host);
	if (f->result == CURLE_OPERATION_TIMEDOUT)
		return exa_fail(err, EXA_UNREACHABLE, "%s: no connection in time", f->host);
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		if (known[i].result == f->result)
			return exa_fail(err, known[i].code, "%s: %s%s%s", f->host, known[i].words,
				separator, f->detail);
	}
	return exa_fail(err, EXA_NET, "%s: %s%s%s", f->host, curl_easy_strerror(f->result),
		separator, f->detail);
}
