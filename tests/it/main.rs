//! Integration tests: one binary, one file per subject.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod access_rules;
mod account;
mod api_key;
mod auth_login;
mod bad_input;
mod bad_server;
mod bad_store;
mod classified_errors;
mod comments;
mod completion;
mod connections;
mod delegation;
mod docs;
mod docs_commands;
mod files;
mod generated;
mod git_credential;
mod import_export;
mod inject;
mod install;
mod interrupt;
mod layers;
mod local;
mod loopback;
mod memory;
mod names;
mod oauth;
mod participant_list;
mod paste;
mod progress;
mod proxy;
mod request_library;
mod request_protocol;
mod request_provide;
mod room_audit;
mod room_backup;
mod room_doctor;
mod room_health;
mod room_key;
mod run;
mod secrecy;
mod secrets_client;
mod serve;
mod serve_connections;
mod serve_http;
mod serve_listen;
mod serve_log;
mod serve_metrics;
mod serve_session;
mod serve_shutdown;
mod serve_systemd;
mod serve_tls;
mod set_get_delete;
mod store_kills;
mod support;
mod surroundings;
mod terminal;
mod token_generate;
mod token_inspect;
mod token_revoke;
mod toolkits;
mod wire;
