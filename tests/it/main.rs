//! Integration tests: one binary, one file per subject.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod access;
mod account;
mod asking;
mod bad_input;
mod bad_server;
mod bad_store;
mod classified_errors;
mod comments;
mod completion;
mod connections;
mod crud;
mod docs;
mod docs_commands;
mod exchange;
mod files;
mod generated;
mod git;
mod http;
mod import_export;
mod inject;
mod interrupt;
mod layers;
mod local;
mod login;
mod loopback;
mod names;
mod oauth;
mod paste;
mod presence;
mod progress;
mod proxy;
mod requests;
mod run;
mod secrecy;
mod secrets_client;
mod serve;
mod session;
mod stopping;
mod support;
mod terminal;
mod tokens;
mod wire;
