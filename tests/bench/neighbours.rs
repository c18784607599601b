//! One participant's latency, and the others that keep the server busy.
//!
//! The first argument is `measure` or `attack`, the second the number of seconds. Reads the room's address and a
//! participant token from `MESHAGENT_BENCH_URL` and `MESHAGENT_TOKEN`; `attack` reads the participant that it sends
//! requests to from `MESHAGENT_BENCH_PROVIDER`. `measure` prints one line: the median and the 99th percentile of a get,
//! and of a set, in milliseconds.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::env::var;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use futures_util::{SinkExt, StreamExt};
use meshagent::net::HttpClient;
use meshagent::room::RoomClient;
use meshagent::secrets::{GetOptions, RequestOptions, SecretsClient, SetOptions};
use meshagent::sensitive::{SecretValue, SensitiveText};
use meshagent::wire::room::ToolInvocation;
use meshagent::wire::secrets::{TOOLKIT, tool};
use meshagent::wire::{Content, Message, ParticipantId, SecretId};
use serde_json::json;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};
use url::Url;

use crate::Failure;

type Socket = WebSocketStream<TcpStream>;

/// Bytes of the values whose latency is measured.
const SMALL_BYTES: usize = 1 << 10;
/// Bytes of the values that several participants read and write all the time.
const LARGE_BYTES: usize = 60 << 20;
/// Bytes of the answers that are asked for and not read.
const UNREAD_BYTES: usize = 4 << 20;
/// Secrets in the lists that are asked for and not read.
const LISTED: usize = 9_000;
/// Pause between two measured pairs of calls.
const PAUSE: Duration = Duration::from_millis(2);

/// The server, and a participant's token for it.
struct Target {
    url: Url,
    token: SensitiveText,
}

impl Target {
    fn from_env() -> Result<Self, Failure> {
        Ok(Self {
            url: var("MESHAGENT_BENCH_URL")?.parse()?,
            token: SensitiveText::new(var("MESHAGENT_TOKEN")?),
        })
    }

    async fn join(&self) -> Result<RoomClient, Failure> {
        Ok(RoomClient::join(&HttpClient::from_env(), &self.url, &self.token).await?)
    }

    fn address(&self) -> Result<String, Failure> {
        let host = self.url.host_str().ok_or("the address has no host")?;
        let port = self.url.port().ok_or("the address has no port")?;
        Ok(format!("{host}:{port}"))
    }

    /// Joins without a client that reads what comes.
    async fn join_raw(&self) -> Result<Socket, Failure> {
        let mut request = self.url.as_str().into_client_request()?;
        let bearer = format!("Bearer {}", self.token.expose()).parse()?;
        request.headers_mut().insert("Authorization", bearer);
        let stream = TcpStream::connect(self.address()?).await?;
        Ok(client_async(request, stream).await?.0)
    }
}

/// The packets of a call.
fn call(id: u64, tool: &str, input: Content) -> Result<Vec<Frame>, Failure> {
    let (toolkit, tool) = (TOOLKIT.to_owned(), tool.to_owned());
    let message = ToolInvocation::new(toolkit, tool, input).into_message(id)?;
    Ok(message
        .packets()
        .map(|packet| Frame::Binary(packet.into()))
        .collect())
}

fn upload(id: &str) -> Result<Message, Failure> {
    let headers = json!({"secret_id": id, "type": "text/plain"});
    let input = Content::binary(&headers, SecretValue::new(vec![0; LARGE_BYTES]))?;
    let (toolkit, tool) = (TOOLKIT.to_owned(), tool::SET.to_owned());
    Ok(ToolInvocation::new(toolkit, tool, input).into_message(1)?)
}

/// Asks for 128 lists and leaves, again and again.
async fn lists(target: &Target) -> Result<(), Failure> {
    loop {
        let mut socket = target.join_raw().await?;
        for id in 1..=128 {
            for packet in call(id, tool::LIST, Content::json(&json!({}))?)? {
                socket.send(packet).await?;
            }
        }
        sleep(Duration::from_millis(500)).await;
    }
}

async fn large_reads(target: &Target) -> Result<(), Failure> {
    let room = target.join().await?;
    let (secrets, id) = (SecretsClient::new(&room), SecretId::new("large/read")?);
    loop {
        secrets.get_secret(&id, GetOptions::default()).await?;
    }
}

async fn large_writes(target: &Target, number: usize) -> Result<(), Failure> {
    let room = target.join().await?;
    let (secrets, id) = (
        SecretsClient::new(&room),
        SecretId::new(format!("large/{number}"))?,
    );
    loop {
        let value = SecretValue::new(vec![b'x'; LARGE_BYTES]);
        secrets.set_secret(&id, value, SetOptions::default()).await?;
    }
}

/// Asks for large answers and reads none of them.
async fn unread(target: &Target) -> Result<(), Failure> {
    let mut socket = target.join_raw().await?;
    for number in 1..=6 {
        for packet in call(number, tool::GET, Content::json(&json!({"secret_id": "unread"}))?)? {
            socket.send(packet).await?;
        }
    }
    sleep(Duration::MAX).await;
    Ok(())
}

/// Stops in the middle of an upload, and answers pings.
async fn unfinished(target: &Target) -> Result<(), Failure> {
    let mut socket = target.join_raw().await?;
    let message = upload("unfinished")?;
    let count = message.packets().count();
    for packet in message.packets().take(count / 2) {
        socket.feed(Frame::Binary(packet.into())).await?;
    }
    socket.flush().await?;
    while let Some(frame) = socket.next().await {
        frame?;
    }
    Ok(())
}

/// Asks a participant that does not answer for 1,000 secrets at a time.
async fn requests(target: &Target, provider: &ParticipantId) -> Result<(), Failure> {
    let room = target.join().await?;
    let secrets = SecretsClient::new(&room);
    let all = (0..1_000).map(|number| {
        let secrets = &secrets;
        async move {
            let options = RequestOptions {
                timeout: Some(Duration::from_secs(20)),
                ..RequestOptions::default()
            };
            secrets
                .request_secret(provider, &format!("attack:{number}"), options)
                .await
        }
    });
    join_all(all).await;
    Ok(())
}

/// Connects and says nothing.
async fn silent(target: &Target) -> Result<(), Failure> {
    let stream = TcpStream::connect(target.address()?).await?;
    stream.readable().await?;
    Ok(())
}

/// Does it again until the time is over: a server that refuses or hangs up is called again after a moment.
async fn again<T: Future<Output = Result<(), Failure>>>(work: impl Fn() -> T) {
    loop {
        drop(work().await);
        sleep(Duration::from_millis(200)).await;
    }
}

async fn attack(target: &Target, time: Duration) -> Result<(), Failure> {
    let room = target.join().await?;
    let secrets = SecretsClient::new(&room);
    for (id, bytes) in [("large/read", LARGE_BYTES), ("unread", UNREAD_BYTES)] {
        let value = SecretValue::new(vec![b'x'; bytes]);
        secrets
            .set_secret(&SecretId::new(id)?, value, SetOptions::default())
            .await?;
    }
    let listed: Vec<SecretId> = (0..LISTED)
        .map(|number| SecretId::new(format!("listed/{number}")))
        .collect::<Result<_, _>>()?;
    for some in listed.chunks(256) {
        let sets = some
            .iter()
            .map(|id| secrets.set_secret(id, SecretValue::new(vec![0; 32]), SetOptions::default()));
        join_all(sets).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    }
    room.close().await;
    println!("ready");
    let provider = ParticipantId::new(var("MESHAGENT_BENCH_PROVIDER")?)?;
    let all = async {
        tokio::join!(
            again(|| lists(target)),
            join_all((0..4).map(|_| again(|| large_reads(target)))),
            join_all((0..4).map(|number| again(move || large_writes(target, number)))),
            join_all((0..50).map(|_| again(|| unread(target)))),
            join_all((0..16).map(|_| again(|| unfinished(target)))),
            again(|| requests(target, &provider)),
            join_all((0..200).map(|_| again(|| silent(target)))),
        )
    };
    // It never ends by itself.
    drop(timeout(time, all).await);
    Ok(())
}

async fn measure(target: &Target, time: Duration) -> Result<(), Failure> {
    let room = target.join().await?;
    let (secrets, id) = (SecretsClient::new(&room), SecretId::new("bench/neighbour")?);
    let (mut gets, mut sets) = (Vec::new(), Vec::new());
    let end = Instant::now() + time;
    while Instant::now() < end {
        let value = SecretValue::new(vec![b'x'; SMALL_BYTES]);
        let started = Instant::now();
        secrets.set_secret(&id, value, SetOptions::default()).await?;
        sets.push(started.elapsed());
        let started = Instant::now();
        if secrets
            .get_secret(&id, GetOptions::default())
            .await?
            .is_none_or(|secret| secret.value.expose().len() != SMALL_BYTES)
        {
            return Err("a call was answered wrongly".into());
        }
        gets.push(started.elapsed());
        sleep(PAUSE).await;
    }
    let figures = [&mut gets, &mut sets].map(|times| {
        times.sort_unstable();
        let of = |hundredths: usize| {
            times
                .get(times.len() * hundredths / 100)
                .copied()
                .unwrap_or_default()
        };
        format!(
            "{:.3} {:.3}",
            of(50).as_secs_f64() * 1e3,
            of(99).as_secs_f64() * 1e3
        )
    });
    println!("{}", figures.join(" "));
    Ok(())
}

/// Measures as one participant, or attacks as the others, for that many seconds.
pub(crate) async fn run(what: &str, seconds: u64) -> Result<(), Failure> {
    let time = Duration::from_secs(seconds);
    let target = Target::from_env()?;
    if what == "attack" {
        attack(&target, time).await
    } else {
        measure(&target, time).await
    }
}
