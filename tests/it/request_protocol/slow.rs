//! A side that is slow to take what it is sent.

use meshagent::wire::secrets::tool;
use meshagent::wire::{Content, ErrorCode};
use serde_json::{Value, json};

use super::{REQUEST, ask, provide};
use crate::support::{Participant, TestEnv, TestServer, is_error};

#[test]
fn who_does_not_take_what_it_is_asked_is_dropped_and_those_who_asked_hear() {
    let env = TestEnv::new();
    let flags = [
        "--max-pending-requests",
        "5000",
        "--max-pending-requests-per-identity",
        "5000",
        "--send-timeout",
        "1",
    ];
    let server = TestServer::start_with(&env, &flags);
    let slow = server.join("slow");
    // More than the sockets hold. One that asks reads nothing meanwhile either, but what it is to hear of so
    // many requests its socket holds.
    let long = "x".repeat(2000);
    let mut requesters: Vec<Participant> = (0..10).map(|_| server.join("ada")).collect();
    for requester in &mut requesters {
        for number in 0..500 {
            ask(requester, &slow, &format!("{long}{number}"));
        }
    }
    for requester in &mut requesters {
        for answer in requester.answers(500).values() {
            let Content::Error { code, .. } = answer else {
                panic!("no error but {answer:?}")
            };
            // Those that were made when it was gone already found nobody.
            let expected = [Some(ErrorCode::OperationFailed), Some(ErrorCode::NotFound)];
            assert!(expected.contains(code), "{answer:?}");
        }
    }
    server.stop();
}

/// What waits for a requester that does not take its answers is in the store, and not in memory.
#[test]
fn answers_wait_for_a_slow_requester() {
    let env = TestEnv::new();
    let size = 1 << 20;
    let server = TestServer::start_with(&env, &["--max-value-bytes", &size.to_string()]);
    let (mut ada, mut bob) = (server.join("ada"), server.join("bob"));
    let value = |number: u8| vec![number; size];
    // More than the sockets hold, and nothing is read meanwhile. One thing is asked for twice.
    for number in (1..=15).chain([14]) {
        ask(&mut ada, &bob, &format!("u/{number:02}"));
    }
    let mut requests: Vec<Value> = (1..=16).map(|_| bob.pushed(REQUEST)).collect();
    requests.sort_by_key(|request| request["request"]["url"].to_string());
    for (number, request) in (1..).zip(&requests) {
        let provided = provide(&mut bob, request, &value(number));
        assert!(matches!(provided, Content::Empty), "{provided:?}");
    }
    let last = json!({"url": "u/15", "type": "git"});
    bob.call_json(tool::DELETE_REQUESTED, &last);
    // What was replaced or deleted before it was taken is not had any more.
    let mut had = Vec::new();
    for answer in ada.answers(16).into_values() {
        match answer {
            Content::File { data, .. } => {
                let number = data.expose()[0];
                assert!(*data.expose() == value(number), "{number}");
                had.push(number);
            }
            error => is_error(&error, ErrorCode::OperationFailed),
        }
    }
    had.sort_unstable();
    let expected: Vec<u8> = (1..=13).chain([15]).collect();
    assert_eq!(had, expected);
    server.stop();
}
