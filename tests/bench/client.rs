//! The clients of the benchmarks, as one program: it is linked once.
//!
//! The first argument says which: `calls`, or `measure` and `attack` of [`neighbours`].

mod calls;
mod neighbours;

use std::error::Error;

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["calls", count, in_flight] => calls::run(count.parse()?, in_flight.parse()?, 1).await,
        ["calls", count, in_flight, connections] => {
            calls::run(count.parse()?, in_flight.parse()?, connections.parse()?).await
        }
        [what @ ("measure" | "attack"), seconds] => neighbours::run(what, seconds.parse()?).await,
        _ => Err("give `calls COUNT IN_FLIGHT [CONNECTIONS]`, `measure SECONDS` or `attack SECONDS`".into()),
    }
}
