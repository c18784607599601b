//! `provide` without a terminal: how long it stays, and what it survives.

use std::fs;

use meshagent::wire::Content;
use rustix::process::Signal;
use serde_json::json;

use super::{URL, ada, as_ada, ended, request};
use crate::support::{Provider, Ran, Relay, TestEnv, TestServer, Way, file};

const CANARY: &str = "canary-7d20aa-canary-7d20aa-canary";

#[test]
fn what_no_rule_answers_is_rejected_at_once() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let mut provider = ada(&server, &[]);
    request(&server, &["--url", URL, "--quiet"])
        .run()
        .refuses(5)
        .says("no rule for this, and nobody is there to ask");
    let line = provider.says("bob asked for");
    assert!(
        line.ends_with("rejected, no rule matches and nobody can be asked."),
        "{line}"
    );
    provider.stop();
}

#[test]
fn a_signal_ends_it_at_once() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    for (by, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let provider = ada(&server, &[]);
        provider.signal(by);
        let (output, said) = provider.ends();
        assert_eq!(output.status.code(), Some(code), "{said:?}");
        assert_eq!(said.len(), 2, "{said:?}");
    }
}

#[test]
fn it_stays_for_as_long_as_it_is_told() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let provider = ada(&server, &["--for", "1s"]);
    let (output, said) = provider.ends();
    assert_eq!(output.status.code(), Some(0), "{said:?}");
    env.write("value", "x");
    // What is rejected for want of an answer does not count.
    let provider = ada(&server, &["--once", "--secret", &format!("{URL}=value")]);
    request(&server, &["--url", "https://other.example", "--quiet"])
        .run()
        .refuses(5);
    request(&server, &["--url", URL]).run().succeeds();
    let (output, said) = provider.ends();
    assert_eq!(output.status.code(), Some(0), "{said:?}");
    assert_eq!(said.len(), 4, "{said:?}");
}

#[test]
fn one_answer_is_one_however_many_ask_at_once() {
    const MANY: usize = 3;
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let rule = |n| {
        let command = format!("touch started-{n}; until [ -e go ]; do sleep 0.05; done; echo x");
        format!("[[rule]]\nurl = \"n:{n}\"\ncommand = [\"sh\", \"-c\", \"{command}\"]\n")
    };
    env.write("rules.toml", (0..MANY).map(rule).collect::<String>());
    let provider = ada(&server, &["--once", "--rules", "rules.toml"]);
    let asking: Vec<_> = (0..MANY)
        .map(|n| request(&server, &["--url", &format!("n:{n}"), "--quiet"]).spawn())
        .collect();
    for n in 0..MANY {
        env.awaits(&format!("started-{n}"));
    }
    env.write("go", "");
    let answers: Vec<Ran> = asking.into_iter().map(ended).collect();
    let given = answers.iter().filter(|ran| ran.out() == "x\n").count();
    assert_eq!(given, 1, "{answers:?}");
    let (output, said) = provider.ends();
    assert_eq!(output.status.code(), Some(0), "{said:?}");
    let count = |text: &str| said.iter().filter(|line| line.contains(text)).count();
    assert_eq!(count(": given, by rule"), 1, "{said:?}");
    assert_eq!(
        count(": left, another request was answered."),
        MANY - 1,
        "{said:?}"
    );
}

#[test]
fn one_answer_that_nobody_asked_for_is_out_of_time() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let (output, said) = ada(&server, &["--once", "--for", "1s"]).ends();
    assert_eq!(output.status.code(), Some(6), "{said:?}");
    assert!(said[2].contains("no request was answered"), "{said:?}");
}

#[test]
fn a_stored_secret_that_is_not_there_is_warned_of() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    as_ada(&server).set("mine", "x");
    let mut provider = ada(&server, &["--secret=a=id:gone", "--secret=b=id:mine"]);
    provider.says("warning: you have no secret `gone` for --secret to give");
    // It may still come.
    as_ada(&server).set("gone", "late");
    let ran = request(&server, &["--url", "a"]).run().succeeds();
    assert_eq!(ran.out(), "late");
    provider.answers(1);
    let said = provider.stop();
    assert_eq!(said.len(), 4, "{said:?}");
}

#[test]
fn it_says_what_others_are_to_run() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    env.write("value", "x");
    let room = "a 'room' $(x)";
    let provider = Provider::start(
        &server.with_token("ada", room),
        &["--secret", &format!("{URL}=value")],
    );
    let command = provider.said[1].trim();
    let mut shell = env.command("sh");
    shell.args([
        "-c",
        &format!("PATH={}:$PATH; {command}", env.program_dir().display()),
    ]);
    shell.envs([
        ("MESHAGENT_API_URL", server.url.as_str()),
        ("MESHAGENT_TOKEN", &server.token("bob", room, false)),
        ("MESHAGENT_ROOM", room),
    ]);
    let output = shell.output().unwrap();
    assert_eq!(output.stdout, b"x", "{command} {output:?}");
    provider.stop();
}

#[test]
fn a_room_that_cannot_be_joined_at_first_is_an_error() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let way = server.with_this_token("nonsense", "room");
    way.secret(["provide"]).run().refuses(4);
    server.stop();
    let variables = [
        ("MESHAGENT_API_URL", "http://127.0.0.1:1"),
        ("MESHAGENT_TOKEN", "t"),
        ("MESHAGENT_ROOM", "room"),
    ];
    Way::new(&env, &variables, &[])
        .secret(["provide"])
        .run()
        .refuses(7);
}

#[test]
fn when_the_connection_drops_it_joins_again() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let relay = Relay::start(server.address());
    let token = server.token("ada", "room", false);
    let variables = [
        ("MESHAGENT_API_URL", relay.url()),
        ("MESHAGENT_TOKEN", token),
        ("MESHAGENT_ROOM", "room".to_owned()),
    ];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    env.write(
        "rules.toml",
        r#"
        [[rule]]
        url = "https://slow.example"
        command = ["sh", "-c", "touch started; sleep 600"]
        [[rule]]
        url = "https://quick.example"
        command = ["echo", "quick"]
        "#,
    );
    let mut provider = Provider::start(&Way::new(&env, &variables, &[]), &["--rules", "rules.toml"]);
    let before = provider.id.clone();
    let slow = request(&server, &["--url", "https://slow.example", "--quiet"]).spawn();
    env.awaits("started");
    relay.cut();
    ended(slow).fails(1).says("left");
    provider.says("Not in the room any more");
    provider.joins();
    assert_ne!(provider.id, before);
    let ran = request(&server, &["--url", "https://quick.example"])
        .run()
        .succeeds();
    assert_eq!(ran.stdout, b"quick\n");
    provider.stop();
}

#[test]
fn many_requests_at_once_are_answered_rightly() {
    const MANY: usize = 200;
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    env.write(
        "rules.toml",
        r#"
        [[rule]]
        url = "n:*"
        command = ["sed", 's/.*"url":"\([^"]*\)".*/value of \1/']
        strip_newline = true
        "#,
    );
    let mut provider = ada(&server, &["--rules", "rules.toml"]);
    let mut bob = server.join("bob");
    for n in 1..=MANY {
        let input = json!({"url": format!("n:{n}"), "type": null, "participant_id": provider.id});
        bob.ask("request_secret", Content::json(&input).unwrap());
    }
    for (id, content) in bob.answers(MANY) {
        assert_eq!(file(content).2, format!("value of n:{id}").into_bytes());
    }
    let said = provider.answers(MANY);
    assert!(said.iter().all(|line| line.contains("given")), "{said:?}");
    provider.stop();
}

#[test]
fn a_slow_one_holds_up_nobody() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    env.write(
        "rules.toml",
        r#"
        [[rule]]
        url = "slow"
        command = ["sh", "-c", "touch started; until [ -e go ]; do sleep 0.05; done; echo slow"]
        timeout = 600
        [[rule]]
        url = "quick"
        command = ["echo", "quick"]
        "#,
    );
    let provider = ada(&server, &["--rules", "rules.toml"]);
    let slow = request(&server, &["--url", "slow"]).spawn();
    env.awaits("started");
    let quick = request(&server, &["--url", "quick"]).run().succeeds();
    assert_eq!(quick.stdout, b"quick\n");
    env.write("go", "");
    assert_eq!(ended(slow).succeeds().stdout, b"slow\n");
    provider.stop();
}

#[test]
fn who_asks_to_sign_in_is_answered_at_once() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    env.write(
        "rules.toml",
        "[[rule]]\nkind = \"oauth\"\nclient_id = \"bad\"\nreject = \"not that one\"\n",
    );
    let mut provider = ada(&server, &["--rules", "rules.toml"]);
    let mut bob = server.join("bob");
    for (client_id, told) in [("bad", "not that one"), ("app", "nobody is there to ask")] {
        let answer = bob.call_json(
            "request_oauth_token",
            &json!({
                "oauth": {
                    "client_id": client_id,
                    "authorization_endpoint": "https://idp.example/authorize",
                    "token_endpoint": "https://idp.example/token",
                },
                "redirect_uri": "http://localhost:1/callback",
                "participant_id": provider.id,
            }),
        );
        let Content::Rejected { text } = answer else {
            panic!("{answer:?}");
        };
        assert!(text.contains(told), "{text}");
        provider.says(&format!(
            "bob asked for an authorization for client {client_id}: rejected"
        ));
    }
    provider.stop();
}

#[test]
fn a_given_value_is_in_no_log() {
    let env = TestEnv::new();
    let server = TestServer::start_with(&env, &["-vvv"]);
    fs::write(env.root().join("home").join("value"), CANARY).unwrap();
    env.write(
        "rules.toml",
        format!(
            r#"
            [[rule]]
            url = "good"
            command = ["cat", "{0}/home/value"]
            [[rule]]
            url = "bad"
            command = ["sh", "-c", "cat {0}/home/value {0}/home/value >&2; cat {0}/home/value; exit 1"]
            [[rule]]
            url = "id"
            give = "id:mine"
            [[rule]]
            url = "env"
            give = "env:VALUE"
            "#,
            env.root().display()
        ),
    );
    as_ada(&server).set("mine", CANARY);
    let call = as_ada(&server).secret(["provide", "-vvv", "--rules", "rules.toml"]);
    let mut provider = Provider::run(call.env("VALUE", CANARY));
    let mut errors = String::new();
    for (url, code) in [("good", 0), ("bad", 5), ("id", 0), ("env", 0)] {
        let ran: Ran = request(&server, &["--url", url, "-vvv"]).run().ends_with(code);
        errors.push_str(ran.err());
        assert_eq!(ran.out(), if code == 0 { CANARY } else { "" }, "{url}");
    }
    provider.answers(4);
    errors.push_str(&provider.stop().concat());
    errors.push_str(&server.log());
    assert!(errors.contains("given") && !errors.contains("canary"), "{errors}");
}
