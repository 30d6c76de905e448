# SPDX-License-Identifier: Apache-2.0
"""A small EWS client of its own, to learn what the simulator serves without asking exarch: signs in with the secret, walks the
folders, and fetches every message. It shares nothing with src/, so that both don't agree on the same mistake."""
import base64
import http.client
import json
import re
import ssl
import urllib.parse
import xml.etree.ElementTree as ElementTree

import harness

M = '{http://schemas.microsoft.com/exchange/services/2006/messages}'
T = '{http://schemas.microsoft.com/exchange/services/2006/types}'
ENVELOPE = '''<?xml version="1.0" encoding="utf-8"?>
<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"
 xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types">
<soap:Header><t:RequestServerVersion Version="Exchange2016"/>
<t:ExchangeImpersonation><t:ConnectingSID><t:SmtpAddress>{mailbox}</t:SmtpAddress></t:ConnectingSID></t:ExchangeImpersonation>
</soap:Header><soap:Body>{body}</soap:Body></soap:Envelope>'''
FIND_FOLDERS = '''<m:FindFolder Traversal="Deep"><m:FolderShape><t:BaseShape>AllProperties</t:BaseShape></m:FolderShape>
<m:ParentFolderIds><t:DistinguishedFolderId Id="msgfolderroot"/></m:ParentFolderIds></m:FindFolder>'''
FIND_ITEMS = '''<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>
<m:IndexedPageItemView MaxEntriesReturned="500" Offset="{offset}" BasePoint="Beginning"/>
<m:ParentFolderIds><t:FolderId Id="{folder}"/></m:ParentFolderIds></m:FindItem>'''
GET_ITEMS = '''<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:IncludeMimeContent>true</t:IncludeMimeContent>
</m:ItemShape><m:ItemIds>{ids}</m:ItemIds></m:GetItem>'''
BATCH = 20
# Characters that XML can't hold; Exchange writes references to them all the same.
ILLEGAL = re.compile(rb'&#x([0-8bcef]|1[0-9a-f]|fff[ef]);', re.I)


class Peer:
    def __init__(self, sim):
        url = urllib.parse.urlsplit(sim.url)
        if url.scheme == 'https':
            trust = ssl.create_default_context(cafile=str(sim.keys / 'ca.pem'))
            self.connection = http.client.HTTPSConnection(url.hostname, url.port, context=trust, timeout=120)
        else:
            self.connection = http.client.HTTPConnection(url.hostname, url.port, timeout=120)
        self.sign_in()

    def send(self, method, path, body, headers):
        self.connection.request(method, path, body=body, headers=headers or {})
        answer = self.connection.getresponse()
        return answer, answer.read()

    def exchange(self, method, path, body=None, headers=None, again=False):
        try:
            answer, data = self.send(method, path, body, headers)
        except (ConnectionError, ssl.SSLError, http.client.BadStatusLine):
            self.connection.close()  # closed by the server, which it may; what is asked here can be asked again
            answer, data = self.send(method, path, body, headers)
        if answer.status == 401 and 'Authorization' in (headers or {}) and not again:  # tokens may be short-lived
            self.sign_in()
            token = self.ews_token if path.startswith('/EWS') else self.graph_token
            return self.exchange(method, path, body, {**headers, 'Authorization': f'Bearer {token}'}, again=True)
        harness.check(answer.status == 200, f'{method} {path}: {answer.status} {data[:300]!r}')
        return data

    def sign_in(self):
        self.ews_token = self.token('https://outlook.office365.com/.default')
        self.graph_token = self.token('https://graph.microsoft.com/.default')

    def token(self, scope):
        tenant, client_id, secret = harness.application()
        form = urllib.parse.urlencode({'grant_type': 'client_credentials', 'client_id': client_id, 'client_secret': secret,
                                       'scope': scope})
        data = self.exchange('POST', f'/{tenant}/oauth2/v2.0/token', form,
                             {'Content-Type': 'application/x-www-form-urlencoded'})
        return json.loads(data)['access_token']

    def mailboxes(self):
        path, found = '/v1.0/users', []
        while path:
            page = json.loads(self.exchange('GET', path, headers={'Authorization': f'Bearer {self.graph_token}'}))
            found += [user['mail'] for user in page['value'] if user.get('mail')]
            path = page.get('@odata.nextLink', '').split(self.connection.host + ':' + str(self.connection.port))[-1]
        return found

    def ask(self, mailbox, body):
        data = self.exchange('POST', '/EWS/Exchange.asmx', ENVELOPE.format(mailbox=mailbox, body=body).encode(), {
            'Content-Type': 'text/xml; charset=utf-8', 'Authorization': f'Bearer {self.ews_token}',
            'X-AnchorMailbox': mailbox})
        return ElementTree.fromstring(ILLEGAL.sub(b'?', data))

    def folders(self, mailbox):
        """{folder id: path} of those below the top."""
        names, parents = {}, {}
        for folder in self.ask(mailbox, FIND_FOLDERS).find(f'.//{T}Folders'):
            own = folder.find(f'{T}FolderId').get('Id')
            names[own] = folder.findtext(f'{T}DisplayName')
            parents[own] = folder.find(f'{T}ParentFolderId').get('Id')

        def path(folder):
            return '' if folder not in names else path(parents[folder]) + '/' + names[folder].replace('/', '\u2215')
        return {own: path(own) for own in names}

    def items(self, mailbox, folder):
        ids, last = [], False
        while not last:
            root = self.ask(mailbox, FIND_ITEMS.format(offset=len(ids), folder=folder)).find(f'.//{M}RootFolder')
            ids += [item.find(f'{T}ItemId').get('Id') for item in root.find(f'{T}Items')]
            last = root.get('IncludesLastItemInRange') == 'true'
        return ids

    def messages(self, mailbox, ids):
        for at in range(0, len(ids), BATCH):
            asked = ''.join(f'<t:ItemId Id="{i}"/>' for i in ids[at:at + BATCH])
            for content in self.ask(mailbox, GET_ITEMS.format(ids=asked)).iter(f'{T}MimeContent'):
                yield base64.b64decode(content.text or '')

    def delete(self, mailbox, item):
        """As somebody does who means it: it isn't in any folder afterwards."""
        self.ask(mailbox, '<m:DeleteItem DeleteType="HardDelete" SendMeetingCancellations="SendToNone" '
                 f'AffectedTaskOccurrences="SpecifiedOccurrenceOnly"><m:ItemIds><t:ItemId Id="{item}"/></m:ItemIds></m:DeleteItem>')


def served(sim, mailboxes=None):
    """[(mailbox, folder, sha256)] of everything the simulator serves."""
    peer = Peer(sim)
    found = []
    for mailbox in mailboxes or peer.mailboxes():
        for folder, path in peer.folders(mailbox).items():
            ids = peer.items(mailbox, folder)
            before = len(found)
            found += [(mailbox.lower(), harness.plain_folder(path), harness.sha256(m)) for m in peer.messages(mailbox, ids)]
            harness.same(f'messages that {mailbox} {path} gives', len(found) - before, len(ids))
    return found
