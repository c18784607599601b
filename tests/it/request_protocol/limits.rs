//! How many requests may wait, in all and of one identity.

use super::*;

/// More than there are calls in flight at once, which all the while answers others.
#[test]
fn many_requests_wait_at_once_and_hold_up_no_other_call() {
    let env = TestEnv::new();
    let server = TestServer::start_with(&env, &["--max-calls", "2"]);
    let (mut ada, mut bob) = (server.join("ada"), server.join("bob"));
    for number in 1..=200 {
        ask(&mut ada, &bob, &format!("u/{number}"));
    }
    let mut requests: Vec<Value> = (0..200).map(|_| bob.pushed(REQUEST)).collect();
    let listed = json!({"id": "other"});
    is_error(&ada.call_json(tool::DELETE, &listed), ErrorCode::NotFound);
    // In another order than they were made in.
    requests.reverse();
    requests.rotate_left(70);
    for request in &requests {
        let url = request["request"]["url"].as_str().unwrap().to_owned();
        assert!(matches!(
            provide(&mut bob, request, url.as_bytes()),
            Content::Empty
        ));
    }
    for (id, answer) in ada.answers(200) {
        assert_eq!(file(answer).2, format!("u/{id}").as_bytes());
    }
    server.stop();
}

#[test]
fn no_more_requests_wait_than_allowed() {
    let env = TestEnv::new();
    let server = TestServer::start_with(&env, &["--max-pending-requests", "2"]);
    let (mut ada, mut eve) = (server.join("ada"), server.join("eve"));
    let (mut bob, mut carol) = (server.join("bob"), server.join("carol"));
    ask(&mut ada, &bob, "one");
    ask(&mut eve, &bob, "two");
    let first = bob.pushed(REQUEST);
    bob.pushed(REQUEST);
    // Of bob no more is asked, by whomever.
    let input = json!({"url": "three", "participant_id": bob.id});
    is_error(&ada.call_json(tool::REQUEST, &input), ErrorCode::OperationFailed);
    // And ada asks no more of anybody.
    ask(&mut ada, &carol, "four");
    carol.pushed(REQUEST);
    let input = json!({"url": "five", "participant_id": eve.id});
    is_error(&ada.call_json(tool::REQUEST, &input), ErrorCode::OperationFailed);
    // One that is answered makes room for the next.
    provide(&mut bob, &first, b"x");
    let (one, other) = if first["request"]["url"] == "one" {
        (&mut ada, "six")
    } else {
        (&mut eve, "six")
    };
    file(answer(one));
    ask(one, &bob, other);
    assert_eq!(bob.pushed(REQUEST)["request"]["url"], other);
    server.stop();
}

/// The default: of the requests that may wait for a participant's answer, a quarter may come from one identity.
#[test]
fn requests_of_one_identity_leave_room_for_those_of_others() {
    let env = TestEnv::new();
    let server = TestServer::start_with(&env, &["--max-pending-requests", "8"]);
    // Two connections of one identity have one share.
    let (mut eve, mut twin, mut ada) = (server.join("eve"), server.join("eve"), server.join("ada"));
    let mut bob = server.join("bob");
    ask(&mut eve, &bob, "one");
    ask(&mut twin, &bob, "two");
    let requests = [bob.pushed(REQUEST), bob.pushed(REQUEST)];
    let refused = eve.call_json(tool::REQUEST, &json!({"url": "three", "participant_id": bob.id}));
    is_error(&refused, ErrorCode::OperationFailed);
    let Content::Error { text, .. } = refused else {
        panic!("no error but {refused:?}")
    };
    assert!(text.contains("2 requests of yours"), "{text}");
    ask(&mut ada, &bob, "u");
    let asked = bob.pushed(REQUEST);
    assert_eq!(asked["request"]["url"], "u");
    provide(&mut bob, &asked, b"x");
    assert_eq!(file(answer(&mut ada)).2, b"x");
    // One that is answered makes room for the next of the same identity.
    provide(&mut bob, &requests[0], b"y");
    let first = if requests[0]["request"]["url"] == "one" {
        &mut eve
    } else {
        &mut twin
    };
    file(answer(first));
    ask(first, &bob, "four");
    assert_eq!(bob.pushed(REQUEST)["request"]["url"], "four");
    server.stop();
}
