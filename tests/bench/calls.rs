//! Calls per second: `get_secret` of 1 KiB, with the library, on one connection or several.
//!
//! Reads the room's address and a participant token from `MESHAGENT_BENCH_URL` and `MESHAGENT_TOKEN`;
//! its arguments are the number of calls, how many of them are in flight on each connection, and how many connections
//! there are. Prints calls per second, of all connections together.

#![allow(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark prints its figure"
)]

use std::env::var;
use std::time::Instant;

use futures_util::future::try_join_all;
use futures_util::stream::{self, StreamExt};
use meshagent::net::HttpClient;
use meshagent::room::RoomClient;
use meshagent::secrets::{GetOptions, SecretsClient, SetOptions};
use meshagent::sensitive::{SecretValue, SensitiveText};
use meshagent::wire::SecretId;

use crate::Failure;

/// Bytes of the value.
const VALUE_BYTES: usize = 1024;

pub(crate) async fn run(count: usize, in_flight: usize, connections: usize) -> Result<(), Failure> {
    let token = SensitiveText::new(var("MESHAGENT_TOKEN")?);
    let url = var("MESHAGENT_BENCH_URL")?.parse()?;
    let http = HttpClient::from_env();
    let mut rooms = Vec::new();
    for _ in 0..connections {
        rooms.push(RoomClient::join(&http, &url, &token).await?);
    }
    let rooms: Vec<(RoomClient, SecretsClient)> = rooms
        .into_iter()
        .map(|room| {
            let secrets = SecretsClient::new(&room);
            (room, secrets)
        })
        .collect();
    let (_, secrets) = rooms.first().ok_or("give a connection or more")?;
    let id = SecretId::new("bench/calls")?;
    let value = SecretValue::new(vec![b'x'; VALUE_BYTES]);
    secrets.set_secret(&id, value, SetOptions::default()).await?;

    let started = Instant::now();
    let each = count / connections;
    try_join_all(
        rooms
            .iter()
            .map(|(_, secrets)| get(secrets, &id, each, in_flight)),
    )
    .await?;
    let seconds = started.elapsed().as_secs_f64();
    println!("{:.0}", (each * connections) as f64 / seconds);
    for (room, _) in rooms {
        room.close().await;
    }
    Ok(())
}

async fn get(secrets: &SecretsClient, id: &SecretId, count: usize, in_flight: usize) -> Result<(), Failure> {
    let mut calls = stream::iter(0..count)
        .map(|_| secrets.get_secret(id, GetOptions::default()))
        .buffer_unordered(in_flight);
    while let Some(answer) = calls.next().await {
        let length = answer?.map(|secret| secret.value.expose().len());
        if length != Some(VALUE_BYTES) {
            return Err("a call was answered wrongly".into());
        }
    }
    Ok(())
}
