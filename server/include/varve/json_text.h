/* json_text.h - JSON written byte by byte into a growing buffer, and the bytes that a base64 text stands for.
 *
 * What is written is JSON when it is called in JSON's order; texts are taken to be UTF-8. Memory that cannot be had is
 * noted in the buffer, so one check at the end will do. */
#ifndef VARVE_JSON_TEXT_H
#define VARVE_JSON_TEXT_H

#include "varve/wire.h"

#define VARVE_JSON_SAFE_NUMBER (UINT64_C(1) << 53) /* up to here a reader with doubles loses nothing */

void varve_json_write_raw(struct varve_wire_buffer *out, const char *text); /* as it is */
void varve_json_write_bytes(struct varve_wire_buffer *out, struct varve_view bytes); /* likewise */

/* A string with its quotes. */
void varve_json_write_text(struct varve_wire_buffer *out, struct varve_view text);
void varve_json_write_base64(struct varve_wire_buffer *out, struct varve_view bytes);
/* A number; varve_json_write_number() makes a string of one above 2^53. */
void varve_json_write_uint(struct varve_wire_buffer *out, uint64_t number);
void varve_json_write_int(struct varve_wire_buffer *out, int64_t number);
void varve_json_write_number(struct varve_wire_buffer *out, uint64_t number);
/* "2024-05-01T12:00:00.000000Z" and a UUID, with their quotes. */
void varve_json_write_time(struct varve_wire_buffer *out, int64_t time_us);
void varve_json_write_uuid(struct varve_wire_buffer *out, const struct varve_uuid *uuid);
/* Any JSON text, without the white space around it; line breaks between its tokens become spaces. */
void varve_json_write_json(struct varve_wire_buffer *out, struct varve_view json);

/* `"key":` of an object's next member, or the place of an array's next item, with the comma that it needs: none right
 * behind { or [. `key` needs no escapes. */
void varve_json_key(struct varve_wire_buffer *out, const char *key);
void varve_json_item(struct varve_wire_buffer *out);

/* Whole members. */
void varve_json_member_text(struct varve_wire_buffer *out, const char *key, struct varve_view text);
void varve_json_member_number(struct varve_wire_buffer *out, const char *key, uint64_t number);
void varve_json_member_bool(struct varve_wire_buffer *out, const char *key, bool value);
void varve_json_member_time(struct varve_wire_buffer *out, const char *key, int64_t time_us);
void varve_json_member_uuid(struct varve_wire_buffer *out, const char *key, const struct varve_uuid *uuid);

/* The bytes a base64 text (RFC 4648, with padding) stands for; `into` has room for size / 4 * 3. false: not base64. */
bool varve_base64_decode(struct varve_view text, uint8_t *into, size_t *ret_size);

/* The text of a raw JSON string. Points into it when there is nothing to decode, else into `arena`, which is not
 * reset. INVALID_ARGUMENT (no string, or of unpaired surrogates) or NO_MEMORY; no error is written. */
enum varve_status varve_json_string(struct varve_view raw, struct varve_wire_arena *arena, struct varve_view *ret);

#endif
