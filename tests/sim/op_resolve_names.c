/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ResolveNames over the mailboxes served: by address or by the begin of address or name.
 */
#include <string.h>
#include <strings.h>

#include "ews.h"

#define RESULTS_MAX 100

static bool
fits(const struct mailbox_id *m, const char *entry)
{
	size_t n = strlen(entry);

	return strncasecmp(m->address, entry, n) == 0 || strncasecmp(m->name, entry, n) == 0;
}

void
op_resolve_names(struct ews_call *call)
{
	EXA_AUTO(exa_freep)
	char *entry = xmlin_text(xmlin_child(call->request, NS_MESSAGES, "UnresolvedEntry"));
	const char *wanted = strncasecmp(entry, "smtp:", 5) == 0 ? entry + 5 : entry;
	EXA_AUTO(buf_done) struct buf found = { 0 };
	struct buf *out = &call->answer->body;
	struct mailbox_id *ids;
	size_t count, hits = 0;

	call->store->ops->list(call->store, &ids, &count);
	for (size_t i = 0; i < count && hits < RESULTS_MAX; i++) {
		if (!fits(&ids[i], wanted))
			continue;
		hits++;
		buf_add_string(&found, "<t:Resolution><t:Mailbox>");
		xml_add_element(&found, "Name", ids[i].name);
		xml_add_element(&found, "EmailAddress", ids[i].address);
		buf_add_string(&found, "<t:RoutingType>SMTP</t:RoutingType><t:MailboxType>Mailbox</"
				       "t:MailboxType></t:Mailbox></t:Resolution>");
	}
	exa_free(ids);
	soap_begin(out, call->op->name);
	if (hits == 0) {
		ews_error(call, "ErrorNameResolutionNoResults", NULL);
	} else {
		soap_success_begin(out, call->op->name);
		buf_printf(out,
			"<m:ResolutionSet TotalItemsInView=\"%zu\" "
			"IncludesLastItemInRange=\"true\">%s</m:ResolutionSet>",
			hits, buf_string(&found));
		soap_message_end(out, call->op->name);
	}
	soap_end(out, call->op->name);
}
