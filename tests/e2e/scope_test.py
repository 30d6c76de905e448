# SPDX-License-Identifier: Apache-2.0
"""What an organisation has beside people's mail: shared mailboxes, and items of every class, each in the form it has."""
import base64
import re

import harness
import mail
import wire
from harness import same

SHARED = 'shared.support@sim.example'
NDR = 'Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n'
# name: (folder, header that makes the class, class, whether it has a MIME form)
KINDS = {
    'letter': ('Inbox', '', 'IPM.Note', True),
    'signed': ('Inbox', 'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary=b\r\n',
               'IPM.Note.SMIME.MultipartSigned', True),
    'invitation': ('Inbox', 'Content-Type: text/calendar; method=REQUEST\r\n', 'IPM.Schedule.Meeting.Request', True),
    'answer': ('Inbox', 'X-Sim-Class: IPM.Schedule.Meeting.Resp.Pos\r\n', 'IPM.Schedule.Meeting.Resp.Pos', True),
    'cancellation': ('Inbox', 'Content-Type: text/calendar; method=CANCEL\r\n', 'IPM.Schedule.Meeting.Canceled', True),
    'bounce': ('Inbox', NDR, 'REPORT.IPM.Note.NDR', True),
    'receipt': ('Inbox', 'X-Sim-Class: REPORT.IPM.Note.IPNRN\r\n', 'REPORT.IPM.Note.IPNRN', True),
    'post': ('Inbox', 'X-Sim-Class: IPM.Post\r\n', 'IPM.Post', True),
    'voice': ('Inbox', 'X-Sim-Class: IPM.Note.Microsoft.Voicemail.UM\r\n', 'IPM.Note.Microsoft.Voicemail.UM', True),
    'form': ('Inbox', 'X-Sim-Class: IPM.Note.Our.Own.Form\r\n', 'IPM.Note.Our.Own.Form', True),
    'appointment': ('Calendar', 'Content-Type: text/calendar\r\n', 'IPM.Appointment', True),
    'card': ('Contacts', 'Content-Type: text/vcard\r\n', 'IPM.Contact', True),
    'list': ('Contacts', 'X-Sim-Class: IPM.DistList\r\n', 'IPM.DistList', False),
    'task': ('Tasks', 'X-Sim-Class: IPM.Task\r\n', 'IPM.Task', False),
    'note': ('Notes', 'X-Sim-Class: IPM.StickyNote\r\n', 'IPM.StickyNote', False),
    'entry': ('Journal', 'X-Sim-Class: IPM.Activity\r\n', 'IPM.Activity', False),
}


def serve(run, *options):
    files = {f'{box}/{folder}/{name}.eml': mail.message(f'{name} of {box}', headers=header)
             for box in ('anna', SHARED) for name, (folder, header, _, _) in KINDS.items()}
    return run.simulator('--plain', '--mail', mail.write(run.dir / 'mail', files), '--exchange-folders', *options)


def a_shared_mailbox_is_archived_when_it_is_listed(run):
    sim = serve(run)
    told = {m['mailbox']: m for m in run.exarch('mailboxes', sim.profile(), '--json').objects()}
    same('chosen by the directory as it is', (told['anna@sim.example']['archived'], told[SHARED]['archived']), (True, False))
    by_list = sim.profile('list.yaml', mailboxes={'from': 'list', 'list': [SHARED]}, filters={'classes': ['all']})
    same('archived by its name', run.archive(by_list)['archived'], len(KINDS))
    all_of_them = sim.profile('all.yaml', mailboxes={'only_licensed': False, 'only_enabled': False}, filters={'classes': ['all']})
    second = run.archive(all_of_them)
    same('archived and known by the directory', (second['archived'], second['known']), (len(KINDS), len(KINDS)))
    same('mailboxes', {i['mailbox'] for i in run.exarch('list', sim.archive, '--json').objects()}, {'anna@sim.example', SHARED})
    run.verify(sim.archive)


def every_class_comes_out_in_the_form_it_has(run):
    sim = serve(run)
    summary = run.archive(sim.profile(mailboxes={'from': 'list', 'list': [wire.ANNA]}, filters={'classes': ['all']}))
    without = {n for n, kind in KINDS.items() if not kind[3]}
    same('counts', {k: summary[k] for k in ('archived', 'native_only', 'failed', 'unexplained')},
         {'archived': len(KINDS), 'native_only': len(without), 'failed': 0, 'unexplained': 0})
    items = run.exarch('list', sim.archive, '--json').objects()
    by_class = {i['class']: i for i in items}
    same('class and folder', {(i['class'], i['folder']) for i in items}, {(c, f'/{f}') for f, _, c, _ in KINDS.values()})
    asker = wire.Wire(sim)
    for name, (folder, _, own_class, has_mime) in KINDS.items():
        item = by_class[own_class]
        form = '--raw' if has_mime else '--native'
        shown = run.exarch('show', sim.archive, item['number'], form).out_bytes
        wanted = (run.dir / f'mail/anna/{folder}/{name}.eml').read_bytes() if has_mime else stream_of(asker, item['item_id'])
        harness.check(shown == wanted, f'{name} is what was served')
    to = run.dir / 'out'
    run.exarch('export', sim.archive, '--to', to, '--native')
    same('exported messages, streams', (len(list(to.rglob('*.eml'))), len(list(to.rglob('*.fts')))),
         (len(KINDS) - len(without), len(without)))
    run.verify(sim.archive)


def stream_of(asker, item):
    answer = asker.ask(f'<m:ExportItems><m:ItemIds><t:ItemId Id="{item}"/></m:ItemIds></m:ExportItems>')
    return base64.b64decode(re.search('<m:Data>(.*?)</m:Data>', answer.text(), re.S).group(1))


if __name__ == '__main__':
    harness.main(a_shared_mailbox_is_archived_when_it_is_listed, every_class_comes_out_in_the_form_it_has)
