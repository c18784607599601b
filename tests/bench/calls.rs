//! Calls per second on one connection: `get_secret` of 1 KiB, with the library.
//!
//! Reads the room's address and a participant token from `MESHAGENT_BENCH_URL` and `MESHAGENT_TOKEN`;
//! its arguments are the number of calls and how many of them are in flight. Prints calls per second.

#![allow(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark prints its figure"
)]

use std::env::var;
use std::time::Instant;

use futures_util::stream::{self, StreamExt};
use meshagent::net::HttpClient;
use meshagent::room::RoomClient;
use meshagent::secrets::{GetOptions, SecretsClient, SetOptions};
use meshagent::sensitive::{SecretValue, SensitiveText};
use meshagent::wire::SecretId;

use crate::Failure;

/// Bytes of the value.
const VALUE_BYTES: usize = 1024;

pub(crate) async fn run(count: usize, in_flight: usize) -> Result<(), Failure> {
    let token = SensitiveText::new(var("MESHAGENT_TOKEN")?);
    let url = var("MESHAGENT_BENCH_URL")?.parse()?;
    let room = RoomClient::join(&HttpClient::from_env(), &url, &token).await?;
    let secrets = SecretsClient::new(&room);
    let id = SecretId::new("bench/calls")?;
    let value = SecretValue::new(vec![b'x'; VALUE_BYTES]);
    secrets.set_secret(&id, value, SetOptions::default()).await?;

    let started = Instant::now();
    let mut calls = stream::iter(0..count)
        .map(|_| secrets.get_secret(&id, GetOptions::default()))
        .buffer_unordered(in_flight);
    while let Some(answer) = calls.next().await {
        let length = answer?.map(|secret| secret.value.expose().len());
        if length != Some(VALUE_BYTES) {
            return Err("a call was answered wrongly".into());
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    println!("{:.0}", count as f64 / seconds);
    drop(calls);
    room.close().await;
    Ok(())
}
