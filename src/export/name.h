/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of files and folders made from text of strangers, safe on Linux and Windows: NFC; no
 * control, bidi or reserved characters, no slash nor what looks like one; no leading dot, no
 * trailing dot or space; no reserved device name; never empty. What isn't allowed becomes '_'. Pure
 * functions.
 */
#ifndef EXPORT_NAME_H
#define EXPORT_NAME_H

#include "exarch/bytes.h"
#include "exarch/export.h"

#define NAME_SUBJECT_MAX ((size_t)120) /* bytes; the whole file name stays below 255 */
#define NAME_FOLDER_MAX ((size_t)200)  /* leaves room for " (12345)" */

/* What files end in: messages, native streams, many messages, calendar items, contacts. */
#define NAME_EML ".eml"
#define NAME_STREAM ".fts"
#define NAME_MBOX ".mbox"
#define NAME_ICS ".ics"
#define NAME_VCF ".vcf"

/* Appends one component for a folder. Never ends as a file does, never is what a Maildir has in it:
 * they can't meet. */
void name_add_folder(struct buf *out, const char *text);
/* Appends "20260722-100000-17-Subject", for the extension to follow; the time is UTC, zeros when it
 * isn't known. */
void name_add_file(struct buf *out, int64_t received_ns, uint64_t number, const char *subject);
/* Appends a form in which two names are equal when a file system may think them equal (case, NFC).
 */
void name_add_folded(struct buf *out, const char *name);

#endif
