# SPDX-License-Identifier: Apache-2.0
"""Signing in as on-premises: NTLM by curl, whose implementation isn't ours, and Autodiscover in its three forms."""
import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree

import ews_peer
import harness
import mail
import wire
from harness import check, same
from wire import ANNA

USER, PASSWORD = 'svc-archive', 'Pa55 word?'


def serve(run, *options):
    folder = mail.write(run.dir / 'mail', {'anna/Inbox/one.eml': 'one'})
    return run.simulator('--plain', '--mail', folder, '--ntlm', f'SIM\\{USER}:{PASSWORD}', *options)


def curl(run, sim, user, *more):
    """(statuses, body) of two requests on one connection."""
    if shutil.which('curl') is None:
        raise harness.Skip('curl is not installed')
    request = run.dir / 'request.xml'
    request.write_text(ews_peer.ENVELOPE.format(mailbox=ANNA, body='<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape>'
                       '</m:FolderShape><m:FolderIds><t:DistinguishedFolderId Id="inbox"/></m:FolderIds></m:GetFolder>'))
    url = f'{sim.url}/EWS/Exchange.asmx'
    done = subprocess.run(['curl', '-s', '-v', '--ntlm', '-u', user, '-H', 'Content-Type: text/xml', '--data-binary', f'@{request}', url,
                           url, *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    return re.findall(rb'< HTTP/1.1 (\d+)', done.stderr), done.stdout.decode()


def ntlm_signs_the_connection_in(run):
    sim = serve(run)
    for user in (f'SIM\\{USER}:{PASSWORD}', f'{USER}:{PASSWORD}', f'OTHER\\{USER.upper()}:{PASSWORD}'):
        statuses, body = curl(run, sim, user)
        same('statuses', statuses, [b'401', b'200', b'200'])
        same('answers', body.count('<m:ResponseCode>NoError<'), 2)
    statuses, body = curl(run, sim, f'{USER}:wrong')
    check(b'200' not in statuses, f'a wrong password: {statuses}')
    statuses, body = curl(run, sim, f'somebody:{PASSWORD}')
    check(b'200' not in statuses, f'a wrong user: {statuses}')


def ntlm_is_offered_only_where_it_is_switched_on(run):
    headers = wire.Wire(serve(run)).send('POST', '/EWS/Exchange.asmx', b'').headers
    check('NTLM' in headers.get_all('WWW-Authenticate'), 'offered')
    bare = wire.Wire(run.simulator('--plain', '--generate', '1x1', name='bare'))
    check('NTLM' not in bare.send('POST', '/EWS/Exchange.asmx', b'').headers.get_all('WWW-Authenticate'), 'not offered')


def signed_in(run, *options):
    sim = serve(run, *options)
    asker = wire.Wire(sim)
    asker.sign_in()
    return asker, {'Authorization': f'Bearer {asker.bearer}', 'Content-Type': 'text/xml; charset=utf-8'}, sim


def pox_names_the_endpoint(run):
    asker, headers, sim = signed_in(run)

    def ask(address):
        return asker.send('POST', '/autodiscover/autodiscover.xml', (
            '<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request>'
            f'<EMailAddress>{address}</EMailAddress><AcceptableResponseSchema>'
            'http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema></Request>'
            '</Autodiscover>').encode(), headers)
    a = '{http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a}'
    root = ElementTree.fromstring(ask(ANNA).body)
    same('urls', {e.text for e in root.iter(f'{a}EwsUrl')}, {f'{sim.url}/EWS/Exchange.asmx'})
    same('action', [e.text for e in root.iter(f'{a}Action')], ['settings'])
    check('<ErrorCode>500<' in ask('nobody@sim.example').text(), 'nobody')
    check('<ErrorCode>600<' in asker.send('POST', '/Autodiscover/Autodiscover.xml', b'<x/>', headers).text(), 'a bad request')
    same('who isn\'t signed in', asker.send('POST', '/autodiscover/autodiscover.xml', b'').status, 401)
    redirect = asker.send('GET', '/autodiscover/autodiscover.xml')
    same('GET', (redirect.status, redirect.headers['Location']), (302, f'{sim.url}/autodiscover/autodiscover.xml'))


def soap_gives_settings(run):
    asker, headers, sim = signed_in(run)
    body = ('<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:a="http://schemas.microsoft.com/exchange/2010/'
            'Autodiscover"><s:Header/><s:Body><a:GetUserSettingsRequestMessage><a:Request><a:Users>' +
            ''.join(f'<a:User><a:Mailbox>{m}</a:Mailbox></a:User>' for m in (ANNA, 'nobody@sim.example')) +
            '</a:Users><a:RequestedSettings><a:Setting>ExternalEwsUrl</a:Setting><a:Setting>MailboxDN</a:Setting></a:RequestedSettings>'
            '</a:Request></a:GetUserSettingsRequestMessage></s:Body></s:Envelope>')
    text = asker.send('POST', '/autodiscover/autodiscover.svc', body.encode(), headers).text()
    same('codes', re.findall('<ErrorCode>(.*?)<', text), ['NoError', 'NoError', 'SettingIsNotAvailable', 'InvalidUser'])
    check(f'<Name>ExternalEwsUrl</Name><Value>{sim.url}/EWS/Exchange.asmx<' in text, 'the url')


def json_needs_no_sign_in(run):
    asker, _, sim = signed_in(run)
    for path in (f'/autodiscover/autodiscover.json?Email={ANNA}&Protocol=EWS&RedirectCount=1',
                 f'/autodiscover/autodiscover.json/v1.0/{ANNA}?Protocol=EWS'):
        same(path, json.loads(asker.send('GET', path).body), {'Protocol': 'EWS', 'Url': f'{sim.url}/EWS/Exchange.asmx'})
    for path, status, code in ((f'?Email=nobody@sim.example&Protocol=EWS', 404, 'UserNotFound'),
                               (f'?Email={ANNA}&Protocol=XYZ', 400, 'InvalidProtocol'), ('?Protocol=EWS', 400, 'InvalidRequest')):
        answer = asker.send('GET', '/autodiscover/autodiscover.json' + path)
        same(path, (answer.status, json.loads(answer.body)['ErrorCode']), (status, code))


if __name__ == '__main__':
    harness.main(ntlm_signs_the_connection_in, ntlm_is_offered_only_where_it_is_switched_on, pox_names_the_endpoint,
                 soap_gives_settings, json_needs_no_sign_in)
