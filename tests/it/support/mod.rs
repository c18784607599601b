//! What end-to-end tests stand on: an environment of their own, a server of their own, and servers
//! that misbehave.

mod account_api;
mod authority;
mod awkward;
mod browser;
mod env;
mod fake;
mod fake_room;
mod http;
mod list;
mod provider;
mod proxy;
mod ran;
mod relay;
mod server;
mod socket;
mod terminal;
mod token_endpoint;

pub(crate) use self::account_api::{AccountApi, now};
pub(crate) use self::authority::{Authority, TlsConnection};
pub(crate) use self::awkward::{a_megabyte, awkward_bytes, awkward_texts, hostile_ids, hostile_words};
pub(crate) use self::browser::{Browser, Visit};
pub(crate) use self::env::{Call, TestEnv, Way};
pub(crate) use self::fake::{FakeServer, read_request, respond};
pub(crate) use self::fake_room::{answer_calls, greet, send, take_participant};
pub(crate) use self::http::{Answer, request, request_over, upgrade};
pub(crate) use self::list::undated;
pub(crate) use self::provider::Provider;
pub(crate) use self::proxy::{Proxy, ProxyKind, TlsFront};
pub(crate) use self::ran::Ran;
pub(crate) use self::relay::Relay;
pub(crate) use self::server::{TestServer, ends_soon, signal};
pub(crate) use self::socket::{Participant, file, is_error};
pub(crate) use self::terminal::{ASKED_OF_TERMINAL, PASTES_UNMARKED, REPORT, Screen, Terminal};
pub(crate) use self::token_endpoint::{TokenCall, TokenEndpoint};
