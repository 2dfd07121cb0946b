/*
 * The words that options may be, by their value: the .word functions of the
 * table.  NULL behind the last word.
 */
#ifndef MUXD_CONF_WORDS_H
#define MUXD_CONF_WORDS_H

const char *conf_word_event_backend(unsigned value);
const char *conf_word_log_level(unsigned value);
const char *conf_word_log_format(unsigned value);
const char *conf_word_log_target(unsigned value);
const char *conf_word_handler(unsigned value);
const char *conf_word_tcp_info(unsigned value);
const char *conf_word_when_full(unsigned value);
const char *conf_word_balance(unsigned value);
const char *conf_word_proxy_protocol(unsigned value);
const char *conf_word_splice(unsigned value);
const char *conf_word_resolve(unsigned value);
const char *conf_word_check_type(unsigned value);
const char *conf_word_server_state(unsigned value);

#endif
