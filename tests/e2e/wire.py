# SPDX-License-Identifier: Apache-2.0
"""Requests to the simulator one by one, with nothing repeated and nothing mended: for tests of how it misbehaves."""
import base64
import http.client
import json
import re
import urllib.parse

import ews_peer
import harness

ANNA, BERT = 'anna@sim.example', 'bert@sim.example'


class Answer:
    """status None: the connection broke before one came. broken: the body ended too early."""

    def __init__(self, status, headers, body, broken):
        self.status, self.headers, self.body, self.broken = status, headers or {}, body, broken

    def text(self):
        return self.body.decode('utf-8', 'replace')

    def codes(self):
        return re.findall(r'<[\w-]*:?ResponseCode[^>]*>\s*(\w+)\s*<', self.text())

    def classes(self):
        return re.findall(r'ResponseMessage ResponseClass="(\w+)"', self.text())

    def back_off_ms(self):
        found = re.search(r'Name="BackOffMilliseconds">(\d+)<', self.text())
        return found and int(found.group(1))

    def subjects(self):
        return re.findall(r'<\w+:Subject>(.*?)</', self.text())

    def ids(self):
        return re.findall(r'<t:ItemId Id="([^"]+)"', self.text())

    def kinds(self):
        """The changes of a sync answer: [(Create, id)]."""
        return re.findall(r'<t:(Create|Update|Delete|ReadFlagChange)>.*?<t:ItemId Id="([^"]+)"', self.text(), re.S)

    def state(self):
        return re.search(r'SyncState>([^<]*)<', self.text()).group(1)

    def is_last(self):
        return 'IncludesLastItemInRange>true<' in self.text() or 'IncludesLastItemInRange="true"' in self.text()

    def messages(self):
        return [base64.b64decode(m) for m in re.findall(r'<t:MimeContent[^>]*>([^<]*)<', self.text())]


class Wire:
    def __init__(self, sim):
        self.host = urllib.parse.urlsplit(sim.url).netloc
        harness.check(sim.url.startswith('http:'), 'wire tests need --plain')
        self.bearer = None

    def send(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection(self.host, timeout=harness.PATIENCE_S)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
        except (ConnectionError, http.client.BadStatusLine):
            return Answer(None, {}, b'', True)
        try:
            data, broken = answer.read(), False
        except http.client.IncompleteRead as e:
            data, broken = e.partial, True
        except ConnectionError:
            data, broken = b'', True
        finally:
            connection.close()
        return Answer(answer.status, answer.headers, data, broken)

    def token(self, scope='https://outlook.office365.com/.default'):
        tenant, client_id, secret = harness.application()
        form = urllib.parse.urlencode({'grant_type': 'client_credentials', 'client_id': client_id, 'client_secret': secret,
                                       'scope': scope})
        return self.send('POST', f'/{tenant}/oauth2/v2.0/token', form, {'Content-Type': 'application/x-www-form-urlencoded'})

    def sign_in(self):
        self.bearer = json.loads(self.token().body)['access_token']

    def users(self, path='/v1.0/users?$top=1'):
        graph = json.loads(self.token('https://graph.microsoft.com/.default').body)['access_token']
        return self.send('GET', path, headers={'Authorization': f'Bearer {graph}'})

    def ask(self, body, mailbox=ANNA, headers=None):
        if self.bearer is None:
            self.sign_in()
        return self.send('POST', '/EWS/Exchange.asmx', ews_peer.ENVELOPE.format(mailbox=mailbox, body=body).encode(), {
            'Content-Type': 'text/xml; charset=utf-8', 'Authorization': f'Bearer {self.bearer}',
            'X-AnchorMailbox': mailbox, **(headers or {})})

    def get_folder(self, name='inbox', mailbox=ANNA, headers=None):
        return self.ask(f'<m:GetFolder><m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape><m:FolderIds>'
                        f'<t:DistinguishedFolderId Id="{name}"/></m:FolderIds></m:GetFolder>', mailbox, headers)

    def find_folders(self, mailbox=ANNA, base='msgfolderroot', traversal='Deep', tags=()):
        more = ''.join(f'<t:ExtendedFieldURI PropertyTag="{tag}" PropertyType="{kind}"/>' for tag, kind in tags)
        more = f'<t:AdditionalProperties>{more}</t:AdditionalProperties>' if more else ''
        return self.ask(f'<m:FindFolder Traversal="{traversal}"><m:FolderShape><t:BaseShape>AllProperties</t:BaseShape>{more}'
                        f'</m:FolderShape><m:ParentFolderIds><t:DistinguishedFolderId Id="{base}"/></m:ParentFolderIds>'
                        f'</m:FindFolder>', mailbox)

    def folder_id(self, name, mailbox=ANNA, base='msgfolderroot'):
        found = re.findall(r'<t:FolderId Id="([^"]+)"[^>]*/>(?:(?!<t:FolderId ).)*?<t:DisplayName>([^<]*)<',
                           self.find_folders(mailbox, base).text(), re.S)
        return next((own for own, display in found if display == name), None)

    @staticmethod
    def folder_element(folder):
        return f'<t:DistinguishedFolderId Id="{folder}"/>' if folder.islower() else f'<t:FolderId Id="{folder}"/>'

    def sync(self, folder='inbox', state=None, most=512, mailbox=ANNA, shape='Default'):
        told = f'<m:SyncState>{state}</m:SyncState>' if state else ''
        return self.ask(f'<m:SyncFolderItems><m:ItemShape><t:BaseShape>{shape}</t:BaseShape></m:ItemShape><m:SyncFolderId>'
                        f'{self.folder_element(folder)}</m:SyncFolderId>{told}<m:MaxChangesReturned>{most}'
                        f'</m:MaxChangesReturned></m:SyncFolderItems>', mailbox)

    def find_items(self, folder='inbox', most=100, offset=0, mailbox=ANNA, restriction='', sort=''):
        return self.ask(f'<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>Default</t:BaseShape></m:ItemShape>'
                        f'<m:IndexedPageItemView MaxEntriesReturned="{most}" Offset="{offset}" BasePoint="Beginning"/>'
                        f'{restriction}{sort}<m:ParentFolderIds>{self.folder_element(folder)}</m:ParentFolderIds></m:FindItem>',
                        mailbox)

    def get_items(self, ids, mailbox=ANNA, mime=True, shape='Default', more='', headers=None):
        wanted = '<t:IncludeMimeContent>true</t:IncludeMimeContent>' if mime else ''
        named = ''.join(f'<t:ItemId Id="{i}"/>' for i in ids)
        return self.ask(f'<m:GetItem><m:ItemShape><t:BaseShape>{shape}</t:BaseShape>{wanted}{more}</m:ItemShape><m:ItemIds>{named}'
                        f'</m:ItemIds></m:GetItem>', mailbox, headers)

    def stats(self):
        return json.loads(self.send('GET', '/sim/stats').body)

    def scenario(self, text=''):
        return self.send('POST', '/sim/scenario', text.encode() or None)
